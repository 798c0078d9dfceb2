// One deployment of Engagement in one tenant: what there is, and what is told to whom.
// docs/deploying.md walks through it; each module is about one concern.
targetScope = 'subscription'

@description('Name of the deployment, as azd calls its environments. Resources are named after it.')
@minLength(1)
@maxLength(64)
param environmentName string

@description('Region of everything; one that has Flex Consumption.')
@minLength(1)
param location string

@description('Where alerts and the budget write to.')
@minLength(6)
param alertEmail string

@description('Resource group to make; empty for rg-engagement-<environment>.')
param resourceGroupName string = ''

@description('Tags of every resource.')
param tags object = {}

// What runs

@description('Version of Python. 3.12 until October 2028, 3.13 until October 2029.')
@allowed([
  '3.12'
  '3.13'
])
param pythonVersion string = '3.13'

@description('Memory of one instance.')
@allowed([
  512
  2048
  4096
])
param instanceMemoryMB int = 2048

@description('How many instances each app may have at once.')
@minValue(40)
@maxValue(1000)
param maximumInstanceCount int = 100

@description('Requests that one instance serves at a time.')
@minValue(1)
@maxValue(1000)
param httpConcurrency int = 16

@description('Instances of the public app that are always warm, and always paid for.')
@minValue(0)
@maxValue(100)
param publicAlwaysReady int = 0

@description('Instances of the private app that are always warm, and always paid for.')
@minValue(0)
@maxValue(100)
param privateAlwaysReady int = 0

// Who may call

@description('Client id of the app registration of the API; empty takes no tokens of Microsoft Entra.')
param entraClientId string = ''

@description('Client ids, with commas between, of the only applications that may call with tokens; empty for all that have a role.')
param entraApplications string = ''

@description('Whether organizations may call with API keys as well.')
param acceptApiKeys bool = true

@description('Whether there is an administrator\'s key, which manages organizations without Microsoft Entra.')
param useAdminKey bool = false

// How messages are sent

@description('Client id of the app registration that sends through Microsoft Graph; empty sends none.')
param graphClientId string = ''

@description('Mail server; empty sends none.')
param smtpHost string = ''

@minValue(1)
@maxValue(65535)
param smtpPort int = 587

@allowed([
  'starttls'
  'tls'
  'none'
])
param smtpSecurity string = 'starttls'

@description('User of the mail server; empty for none. Its password is the secret smtp-password.')
param smtpUsername string = ''

// How data are kept

@description('Copies of the data: in one data centre (LRS), in three of the region (ZRS), or in another region too (GRS, GZRS; RA for reading there).')
@allowed([
  'Standard_LRS'
  'Standard_ZRS'
  'Standard_GRS'
  'Standard_RAGRS'
  'Standard_GZRS'
  'Standard_RAGZRS'
])
param dataRedundancy string = 'Standard_ZRS'

@description('Days for which deleted files can be brought back.')
@minValue(1)
@maxValue(365)
param softDeleteDays int = 14

@description('Days after which files move to the cool tier; 0 for never.')
@minValue(0)
param coolAfterDays int = 90

// What an operator sees

@description('Days for which logs are kept.')
@minValue(30)
@maxValue(730)
param logRetentionDays int = 30

@description('Gigabytes of logs a day after which no more are taken; -1 for no cap. Alerts are blind behind a cap.')
@minValue(-1)
param logDailyCapGb int = -1

@description('Whether each read and write of the data account is logged.')
param logEveryRequest bool = false

@description('Whether the apps are asked from outside if they are well.')
param testAvailability bool = true

@description('Seconds between two such questions from one place.')
@allowed([
  300
  600
  900
])
param availabilitySeconds int = 900

@description('GB-seconds in one hour above which operators are told.')
@minValue(1)
param hourlyGbSeconds int = 20000

@description('Planned cost of a month in the currency of the subscription; 0 for no budget.')
@minValue(0)
param budgetAmount int = 50

@description('First day of the month in which the budget begins. It cannot be changed afterwards.')
param budgetStartDate string = utcNow('yyyy-MM-01')

// Where it is reached

@description('Host name for tracked links, such as links.contoso.com, by Azure Front Door; empty for the app\'s own.')
param trackingDomain string = ''

@description('Whether a tracking domain is the only way to the public app. Links sent with the app\'s own host name end with it.')
param onlyTrackingDomain bool = true

@description('Whether the data account and the vaults have private addresses only.')
param useNetwork bool = false

@description('Address space of the virtual network.')
param networkPrefix string = '10.83.0.0/24'

// Secrets. Empty leaves what is in the vault, or leaves it to the hook after provisioning.

@description('Signing keys, 1:<32 random bytes in base64url>. Only when they are first set, or to replace them all.')
@secure()
param signingKeys string = ''

@description('The administrator\'s key, 16 characters or more.')
@secure()
param adminKey string = ''

@description('Password of the mail server.')
@secure()
param smtpPassword string = ''

// One place decides what is on; settings, roles and resources follow it.
var features = {
  entra: !empty(entraClientId)
  apiKeys: acceptApiKeys
  adminKey: useAdminKey
  graph: !empty(graphClientId)
  smtp: !empty(smtpHost)
  smtpSignIn: !empty(smtpHost) && !empty(smtpUsername)
  privateSecrets: useAdminKey || (!empty(smtpHost) && !empty(smtpUsername))
  frontDoor: !empty(trackingDomain)
  frontDoorOnly: !empty(trackingDomain) && onlyTrackingDomain
  network: useNetwork
  budget: budgetAmount > 0
  availability: testAvailability
}

var token = toLower(uniqueString(subscription().id, environmentName, location))
var allTags = union(tags, {
  'azd-env-name': environmentName
})

var publicAppName = 'func-public-${token}'
var privateAppName = 'func-private-${token}'
var publicHostName = '${publicAppName}.azurewebsites.net'
var publicUrl = features.frontDoor ? 'https://${trackingDomain}' : 'https://${publicHostName}'

resource group 'Microsoft.Resources/resourceGroups@2024-03-01' = {
  name: empty(resourceGroupName) ? 'rg-engagement-${environmentName}' : resourceGroupName
  location: location
  tags: allTags
}

module identities 'app/identities.bicep' = {
  name: 'identities'
  scope: group
  params: {
    location: location
    tags: allTags
    token: token
  }
}

module monitoring 'app/monitoring.bicep' = {
  name: 'monitoring'
  scope: group
  params: {
    location: location
    tags: allTags
    token: token
    retentionInDays: logRetentionDays
    dailyCapGb: logDailyCapGb
  }
}

module data 'app/storage.bicep' = {
  name: 'data'
  scope: group
  params: {
    location: location
    tags: allTags
    name: 'stdata${token}'
    redundancy: dataRedundancy
    softDeleteDays: softDeleteDays
    coolAfterDays: coolAfterDays
    isPrivate: features.network
    logEveryRequest: logEveryRequest
    workspaceId: monitoring.outputs.workspaceId
  }
}

module publicHost 'app/host-storage.bicep' = {
  name: 'public-host'
  scope: group
  params: {
    location: location
    tags: allTags
    name: 'sthostpub${token}'
  }
}

module privateHost 'app/host-storage.bicep' = {
  name: 'private-host'
  scope: group
  params: {
    location: location
    tags: allTags
    name: 'sthostprv${token}'
  }
}

module vault 'app/vault.bicep' = {
  name: 'vault'
  scope: group
  params: {
    location: location
    tags: allTags
    name: 'kv-${token}'
    isPrivate: features.network
    workspaceId: monitoring.outputs.workspaceId
  }
}

module privateVault 'app/vault.bicep' = if (features.privateSecrets) {
  name: 'private-vault'
  scope: group
  params: {
    location: location
    tags: allTags
    name: 'kv-prv-${token}'
    isPrivate: features.network
    workspaceId: monitoring.outputs.workspaceId
  }
}

module signingKeysSecret 'app/secret.bicep' = if (!empty(signingKeys)) {
  name: 'signing-keys'
  scope: group
  params: {
    vaultName: vault.outputs.name
    secretName: 'signing-keys'
    secretValue: signingKeys
  }
}

module adminKeySecret 'app/secret.bicep' = if (features.adminKey && !empty(adminKey)) {
  name: 'admin-key'
  scope: group
  params: {
    vaultName: features.privateSecrets ? privateVault.outputs.name : ''
    secretName: 'admin-key'
    secretValue: adminKey
  }
}

module smtpPasswordSecret 'app/secret.bicep' = if (features.smtpSignIn && !empty(smtpPassword)) {
  name: 'smtp-password'
  scope: group
  params: {
    vaultName: features.privateSecrets ? privateVault.outputs.name : ''
    secretName: 'smtp-password'
    secretValue: smtpPassword
  }
}

module roles 'app/roles.bicep' = {
  name: 'roles'
  scope: group
  params: {
    features: features
    publicPrincipalId: identities.outputs.publicPrincipalId
    privatePrincipalId: identities.outputs.privatePrincipalId
    dataAccountName: data.outputs.name
    publicHostAccountName: publicHost.outputs.name
    privateHostAccountName: privateHost.outputs.name
    componentName: monitoring.outputs.componentName
    vaultName: vault.outputs.name
    privateVaultName: features.privateSecrets ? privateVault.outputs.name : ''
  }
}

module network 'app/network.bicep' = if (features.network) {
  name: 'network'
  scope: group
  params: {
    location: location
    tags: allTags
    token: token
    addressPrefix: networkPrefix
    dataAccount: {
      name: data.outputs.name
      id: data.outputs.id
    }
    vaults: features.privateSecrets ? [
      {
        name: vault.outputs.name
        id: vault.outputs.id
      }
      {
        name: privateVault.outputs.name
        id: privateVault.outputs.id
      }
    ] : [
      {
        name: vault.outputs.name
        id: vault.outputs.id
      }
    ]
  }
}

module frontDoor 'app/front-door.bicep' = if (features.frontDoor) {
  name: 'front-door'
  scope: group
  params: {
    tags: allTags
    token: token
    trackingDomain: trackingDomain
    originHostName: publicHostName
  }
}

// Settings of the apps: docs/configuration.md. What both need; then what each needs besides.
var commonSettings = {
  ENGAGEMENT_PUBLIC_URL: publicUrl
  ENGAGEMENT_SIGNING_KEYS: '@Microsoft.KeyVault(SecretUri=${vault.outputs.uri}secrets/signing-keys)'
  ENGAGEMENT_DATA__tableServiceUri: data.outputs.tableEndpoint
  ENGAGEMENT_DATA__blobServiceUri: data.outputs.blobEndpoint
  ENGAGEMENT_DATA__queueServiceUri: data.outputs.queueEndpoint
  ENGAGEMENT_DATA__credential: 'managedidentity'
  // Azure's own front end is the one proxy that adds to X-Forwarded-For.
  ENGAGEMENT_PROXY_COUNT: '1'
}

var publicSettings = union(commonSettings, {
  ENGAGEMENT_SURFACE: 'public'
  ENGAGEMENT_DATA__clientId: identities.outputs.publicClientId
}, features.frontDoor ? {
  ENGAGEMENT_FRONT_DOOR_ID: frontDoor.outputs.frontDoorId
} : {})

var entraSettings = features.entra ? {
  ENGAGEMENT_ENTRA_TENANT_ID: tenant().tenantId
  ENGAGEMENT_ENTRA_CLIENT_ID: entraClientId
} : {}

var allowListSettings = features.entra && !empty(entraApplications) ? {
  ENGAGEMENT_ENTRA_APPLICATIONS: entraApplications
} : {}

var adminKeySettings = features.adminKey ? {
  ENGAGEMENT_ADMIN_KEY: '@Microsoft.KeyVault(SecretUri=${privateVault.outputs.uri}secrets/admin-key)'
} : {}

// The private app's identity vouches for the registration, so that there is no secret.
var graphSettings = features.graph ? {
  ENGAGEMENT_GRAPH_TENANT_ID: tenant().tenantId
  ENGAGEMENT_GRAPH_CLIENT_ID: graphClientId
  ENGAGEMENT_GRAPH_IDENTITY_CLIENT_ID: identities.outputs.privateClientId
} : {}

var smtpSettings = features.smtp ? {
  ENGAGEMENT_SMTP_HOST: smtpHost
  ENGAGEMENT_SMTP_PORT: string(smtpPort)
  ENGAGEMENT_SMTP_SECURITY: smtpSecurity
} : {}

var smtpSignInSettings = features.smtpSignIn ? {
  ENGAGEMENT_SMTP_USERNAME: smtpUsername
  ENGAGEMENT_SMTP_PASSWORD: '@Microsoft.KeyVault(SecretUri=${privateVault.outputs.uri}secrets/smtp-password)'
} : {}

var privateSettings = union(commonSettings, {
  ENGAGEMENT_SURFACE: 'private'
  ENGAGEMENT_DATA__clientId: identities.outputs.privateClientId
  ENGAGEMENT_API_KEYS: features.apiKeys ? 'true' : 'false'
}, entraSettings, allowListSettings, adminKeySettings, graphSettings, smtpSettings, smtpSignInSettings)

module publicApp 'app/functions.bicep' = {
  name: 'public-app'
  scope: group
  params: {
    location: location
    tags: allTags
    name: publicAppName
    planName: 'plan-public-${token}'
    serviceName: 'public'
    identityId: identities.outputs.publicId
    identityClientId: identities.outputs.publicClientId
    packageUrl: publicHost.outputs.packageUrl
    hostBlobEndpoint: publicHost.outputs.blobEndpoint
    hostQueueEndpoint: publicHost.outputs.queueEndpoint
    hostTableEndpoint: publicHost.outputs.tableEndpoint
    componentName: monitoring.outputs.componentName
    pythonVersion: pythonVersion
    instanceMemoryMB: instanceMemoryMB
    maximumInstanceCount: maximumInstanceCount
    alwaysReadyCount: publicAlwaysReady
    httpConcurrency: httpConcurrency
    settings: publicSettings
    subnetId: features.network ? network.outputs.publicSubnetId : ''
    frontDoorId: features.frontDoorOnly ? frontDoor.outputs.frontDoorId : ''
  }
  dependsOn: [
    roles
    signingKeysSecret
  ]
}

module privateApp 'app/functions.bicep' = {
  name: 'private-app'
  scope: group
  params: {
    location: location
    tags: allTags
    name: privateAppName
    planName: 'plan-private-${token}'
    serviceName: 'private'
    identityId: identities.outputs.privateId
    identityClientId: identities.outputs.privateClientId
    packageUrl: privateHost.outputs.packageUrl
    hostBlobEndpoint: privateHost.outputs.blobEndpoint
    hostQueueEndpoint: privateHost.outputs.queueEndpoint
    hostTableEndpoint: privateHost.outputs.tableEndpoint
    componentName: monitoring.outputs.componentName
    pythonVersion: pythonVersion
    instanceMemoryMB: instanceMemoryMB
    maximumInstanceCount: maximumInstanceCount
    alwaysReadyCount: privateAlwaysReady
    httpConcurrency: httpConcurrency
    settings: privateSettings
    subnetId: features.network ? network.outputs.privateSubnetId : ''
    frontDoorId: ''
  }
  dependsOn: [
    roles
    signingKeysSecret
    adminKeySecret
    smtpPasswordSecret
  ]
}

module alerts 'app/alerts.bicep' = {
  name: 'alerts'
  scope: group
  params: {
    location: location
    tags: allTags
    workspaceId: monitoring.outputs.workspaceId
    dataAccountId: data.outputs.id
    appIds: [
      publicApp.outputs.id
      privateApp.outputs.id
    ]
    alertEmail: alertEmail
    hourlyGbSeconds: hourlyGbSeconds
  }
}

module publicAvailability 'app/availability.bicep' = if (features.availability) {
  name: 'public-availability'
  scope: group
  params: {
    location: location
    tags: allTags
    name: 'public-${token}'
    url: '${publicUrl}/readyz'
    frequencySeconds: availabilitySeconds
    componentId: monitoring.outputs.componentId
    actionGroupId: alerts.outputs.actionGroupId
  }
}

module privateAvailability 'app/availability.bicep' = if (features.availability) {
  name: 'private-availability'
  scope: group
  params: {
    location: location
    tags: allTags
    name: 'private-${token}'
    url: 'https://${privateApp.outputs.hostName}/readyz'
    frequencySeconds: availabilitySeconds
    componentId: monitoring.outputs.componentId
    actionGroupId: alerts.outputs.actionGroupId
  }
}

module budget 'app/budget.bicep' = if (features.budget) {
  name: 'budget'
  scope: group
  params: {
    amount: budgetAmount
    startDate: budgetStartDate
    alertEmail: alertEmail
    actionGroupId: alerts.outputs.actionGroupId
  }
}

module workbook 'app/workbook.bicep' = {
  name: 'workbook'
  scope: group
  params: {
    location: location
    tags: allTags
    workspaceId: monitoring.outputs.workspaceId
  }
}

// azd keeps these in its environment; the hook after provisioning reads them.
output AZURE_RESOURCE_GROUP string = group.name
output AZURE_TENANT_ID string = tenant().tenantId
output SERVICE_PUBLIC_NAME string = publicApp.outputs.name
output SERVICE_PUBLIC_HOST string = publicApp.outputs.hostName
output SERVICE_PRIVATE_NAME string = privateApp.outputs.name
output SERVICE_PRIVATE_HOST string = privateApp.outputs.hostName
output API_CLIENT_ID string = entraClientId
output TRACKING_URL string = publicUrl
output DATA_ACCOUNT_NAME string = data.outputs.name
output VAULT_NAME string = vault.outputs.name
output PRIVATE_VAULT_NAME string = features.privateSecrets ? privateVault.outputs.name : ''
output PUBLIC_IDENTITY_CLIENT_ID string = identities.outputs.publicClientId
output PRIVATE_IDENTITY_CLIENT_ID string = identities.outputs.privateClientId
output PRIVATE_IDENTITY_PRINCIPAL_ID string = identities.outputs.privatePrincipalId
output FRONT_DOOR_PROFILE string = features.frontDoor ? frontDoor.outputs.profileName : ''
output FRONT_DOOR_DOMAIN string = features.frontDoor ? frontDoor.outputs.domainName : ''
output FRONT_DOOR_HOST string = features.frontDoor ? frontDoor.outputs.endpointHostName : ''
output OUTBOUND_ADDRESS string = features.network ? network.outputs.outboundAddress : ''
