// A virtual network in which the data account and the vaults have private addresses only, and from
// which the apps call everything else through one fixed address.

param location string
param tags object
param token string

@description('Address space of /24 that nothing connected to this network uses.')
param addressPrefix string

@description('The data account: {name, id}.')
param dataAccount object

@description('The vaults: [{name, id}].')
param vaults array

// The three numbers that its addresses share. cidrSubnet would say it better, but checkov leaves out
// a whole file for a function that its parser does not know.
var block = join(take(split(first(split(addressPrefix, '/')), '.'), 3), '.')

var endpoints = [
  {
    groupId: 'blob'
    zoneName: 'privatelink.blob.${environment().suffixes.storage}'
    targets: [
      dataAccount
    ]
  }
  {
    groupId: 'queue'
    zoneName: 'privatelink.queue.${environment().suffixes.storage}'
    targets: [
      dataAccount
    ]
  }
  {
    groupId: 'table'
    zoneName: 'privatelink.table.${environment().suffixes.storage}'
    targets: [
      dataAccount
    ]
  }
  {
    groupId: 'vault'
    zoneName: 'privatelink.vaultcore.azure.net'
    targets: vaults
  }
]

resource publicIp 'Microsoft.Network/publicIPAddresses@2024-05-01' = {
  name: 'pip-${token}'
  location: location
  tags: tags
  sku: {
    name: 'Standard'
  }
  properties: {
    publicIPAllocationMethod: 'Static'
    publicIPAddressVersion: 'IPv4'
  }
}

// The apps' own calls (Microsoft Entra, Graph, mail servers, webhooks) leave through this.
resource gateway 'Microsoft.Network/natGateways@2024-05-01' = {
  name: 'ng-${token}'
  location: location
  tags: tags
  sku: {
    name: 'Standard'
  }
  properties: {
    idleTimeoutInMinutes: 4
    publicIpAddresses: [
      {
        id: publicIp.id
      }
    ]
  }
}

resource network 'Microsoft.Network/virtualNetworks@2024-05-01' = {
  name: 'vnet-${token}'
  location: location
  tags: tags
  properties: {
    addressSpace: {
      addressPrefixes: [
        addressPrefix
      ]
    }
    subnets: [
      {
        name: 'public-app'
        properties: {
          addressPrefix: '${block}.0/26'
          natGateway: {
            id: gateway.id
          }
          delegations: [
            {
              name: 'flex-consumption'
              properties: {
                serviceName: 'Microsoft.App/environments'
              }
            }
          ]
        }
      }
      {
        name: 'private-app'
        properties: {
          addressPrefix: '${block}.64/26'
          natGateway: {
            id: gateway.id
          }
          delegations: [
            {
              name: 'flex-consumption'
              properties: {
                serviceName: 'Microsoft.App/environments'
              }
            }
          ]
        }
      }
      {
        name: 'endpoints'
        properties: {
          addressPrefix: '${block}.128/26'
          privateEndpointNetworkPolicies: 'Disabled'
        }
      }
    ]
  }
}

module privateEndpoints 'private-endpoints.bicep' = [for item in endpoints: {
  name: 'private-endpoints-${item.groupId}'
  params: {
    location: location
    tags: tags
    networkId: network.id
    subnetId: '${network.id}/subnets/endpoints'
    zoneName: item.zoneName
    groupId: item.groupId
    targets: item.targets
  }
}]

output publicSubnetId string = '${network.id}/subnets/public-app'
output privateSubnetId string = '${network.id}/subnets/private-app'
output outboundAddress string = publicIp.properties.ipAddress
