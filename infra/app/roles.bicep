// What each identity may do. Both surfaces run the same package; what they may do differs:
//   public  reads and adds rows, reads files and signs URLs of large ones, puts into queues;
//   private makes, changes and deletes all of that, and takes from queues.

param publicPrincipalId string
param privatePrincipalId string
param dataAccountName string
param publicHostAccountName string
param privateHostAccountName string
param componentName string
param vaultName string

@description('Vault of the secrets that only the private app reads; empty for none.')
param privateVaultName string

@description('What is switched on; see main.bicep.')
param features object

// https://learn.microsoft.com/azure/role-based-access-control/built-in-roles
var roles = {
  keyVaultSecretsUser: '4633458b-17de-408a-b874-0445c86b69e6'
  monitoringMetricsPublisher: '3913510d-42f4-4e42-8a64-420c390055eb'
  storageBlobDataContributor: 'ba92f5b4-2d11-453d-a403-e96b0029c9fe'
  storageBlobDataOwner: 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b'
  storageBlobDataReader: '2a2b9908-6ea1-4ae2-8e65-a410df84e7d1'
  storageBlobDelegator: 'db58b8e5-c6ad-4a2a-8342-4190687cbf4a'
  storageQueueDataContributor: '974c5e8b-45b9-4653-ba55-5f855dd0fb88'
  storageQueueDataMessageSender: 'c6a89b2d-59bc-44d0-9896-0f6e12d7b80a'
  storageQueueDataReader: '19e7f393-937e-4f77-808e-94535e297925'
  storageTableDataContributor: '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3'
}

// No role of Azure's adds rows without being able to change them, so that public has Contributor
// on tables; see docs/adr/0017.
var publicDataRoles = [
  roles.storageTableDataContributor
  roles.storageBlobDataReader
  roles.storageBlobDelegator
  roles.storageQueueDataMessageSender
  roles.storageQueueDataReader
]

var privateDataRoles = [
  roles.storageTableDataContributor
  roles.storageBlobDataContributor
  roles.storageQueueDataContributor
]

// What a functions host needs of its own account:
// https://learn.microsoft.com/azure/azure-functions/functions-reference#connecting-to-host-storage-with-an-identity
var hostRoles = [
  roles.storageBlobDataOwner
  roles.storageQueueDataContributor
  roles.storageTableDataContributor
]

resource dataAccount 'Microsoft.Storage/storageAccounts@2024-01-01' existing = {
  name: dataAccountName
}

resource publicHostAccount 'Microsoft.Storage/storageAccounts@2024-01-01' existing = {
  name: publicHostAccountName
}

resource privateHostAccount 'Microsoft.Storage/storageAccounts@2024-01-01' existing = {
  name: privateHostAccountName
}

resource component 'Microsoft.Insights/components@2020-02-02' existing = {
  name: componentName
}

resource vault 'Microsoft.KeyVault/vaults@2024-11-01' existing = {
  name: vaultName
}

resource privateVault 'Microsoft.KeyVault/vaults@2024-11-01' existing = {
  name: features.privateSecrets ? privateVaultName : vaultName
}

resource publicData 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for role in publicDataRoles: {
  name: guid(dataAccount.id, publicPrincipalId, role)
  scope: dataAccount
  properties: {
    principalId: publicPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role)
  }
}]

resource privateData 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for role in privateDataRoles: {
  name: guid(dataAccount.id, privatePrincipalId, role)
  scope: dataAccount
  properties: {
    principalId: privatePrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role)
  }
}]

resource publicHost 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for role in hostRoles: {
  name: guid(publicHostAccount.id, publicPrincipalId, role)
  scope: publicHostAccount
  properties: {
    principalId: publicPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role)
  }
}]

resource privateHost 'Microsoft.Authorization/roleAssignments@2022-04-01' = [for role in hostRoles: {
  name: guid(privateHostAccount.id, privatePrincipalId, role)
  scope: privateHostAccount
  properties: {
    principalId: privatePrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role)
  }
}]

resource publicMetrics 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(component.id, publicPrincipalId, roles.monitoringMetricsPublisher)
  scope: component
  properties: {
    principalId: publicPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.monitoringMetricsPublisher)
  }
}

resource privateMetrics 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(component.id, privatePrincipalId, roles.monitoringMetricsPublisher)
  scope: component
  properties: {
    principalId: privatePrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.monitoringMetricsPublisher)
  }
}

resource publicSecrets 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(vault.id, publicPrincipalId, roles.keyVaultSecretsUser)
  scope: vault
  properties: {
    principalId: publicPrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.keyVaultSecretsUser)
  }
}

resource privateSecrets 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(vault.id, privatePrincipalId, roles.keyVaultSecretsUser)
  scope: vault
  properties: {
    principalId: privatePrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.keyVaultSecretsUser)
  }
}

resource privateOwnSecrets 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (features.privateSecrets) {
  name: guid(privateVault.id, privatePrincipalId, 'own', roles.keyVaultSecretsUser)
  scope: privateVault
  properties: {
    principalId: privatePrincipalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.keyVaultSecretsUser)
  }
}
