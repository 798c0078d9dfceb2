// Who the two apps are: one identity each, so that each gets only the roles that it needs.

param location string
param tags object
param token string

resource publicIdentity 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = {
  name: 'id-public-${token}'
  location: location
  tags: tags
}

resource privateIdentity 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = {
  name: 'id-private-${token}'
  location: location
  tags: tags
}

output publicId string = publicIdentity.id
output publicClientId string = publicIdentity.properties.clientId
output publicPrincipalId string = publicIdentity.properties.principalId
output privateId string = privateIdentity.id
output privateClientId string = privateIdentity.properties.clientId
output privatePrincipalId string = privateIdentity.properties.principalId
