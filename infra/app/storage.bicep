// The data account: tables, blobs and queues of every organization. Tables and containers are made
// by the app, one of each per organization; queues are made here, as the public app may not.

param location string
param tags object
param name string

@description('How the data is copied; see main.bicep.')
param redundancy string

@description('Days for which deleted blobs and containers can be brought back.')
@minValue(1)
@maxValue(365)
param softDeleteDays int

@description('Days after which an attachment moves to the cool tier; 0 for never.')
param coolAfterDays int

@description('Whether the account is reached through private endpoints only.')
param isPrivate bool

@description('Whether every read and write is logged, which costs about as much as the traffic itself.')
param logEveryRequest bool

param workspaceId string

// engagement/storage/keys.py names the queues; the functions host appends "-poison".
var queues = [
  'interactions'
  'judgements'
  'webhooks'
  'interactions-poison'
  'judgements-poison'
  'webhooks-poison'
]

var leftovers = {
  enabled: true
  name: 'delete-old-versions'
  type: 'Lifecycle'
  definition: {
    filters: {
      blobTypes: [
        'blockBlob'
      ]
    }
    actions: {
      version: {
        delete: {
          daysAfterCreationGreaterThan: 90
        }
      }
      snapshot: {
        delete: {
          daysAfterCreationGreaterThan: 90
        }
      }
    }
  }
}

// Only moved, never deleted: a link in an old message goes on working.
var cooling = {
  enabled: coolAfterDays > 0
  name: 'cool-old-attachments'
  type: 'Lifecycle'
  definition: {
    filters: {
      blobTypes: [
        'blockBlob'
      ]
    }
    actions: {
      baseBlob: {
        tierToCool: {
          daysAfterModificationGreaterThan: max(coolAfterDays, 1)
        }
      }
    }
  }
}

resource account 'Microsoft.Storage/storageAccounts@2024-01-01' = {
  name: name
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: {
    name: redundancy
  }
  properties: {
    accessTier: 'Hot'
    allowSharedKeyAccess: false
    allowBlobPublicAccess: false
    allowCrossTenantReplication: false
    defaultToOAuthAuthentication: true
    isLocalUserEnabled: false
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
    publicNetworkAccess: isPrivate ? 'Disabled' : 'Enabled'
    networkAcls: {
      bypass: 'AzureServices'
      defaultAction: isPrivate ? 'Deny' : 'Allow'
    }
    sasPolicy: {
      expirationAction: 'Log'
      // Signed URLs of attachments live for minutes.
      sasExpirationPeriod: '00.01:00:00'
    }
  }
}

resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2024-01-01' = {
  parent: account
  name: 'default'
  properties: {
    deleteRetentionPolicy: {
      enabled: true
      days: softDeleteDays
    }
    containerDeleteRetentionPolicy: {
      enabled: true
      days: softDeleteDays
    }
  }
}

resource tables 'Microsoft.Storage/storageAccounts/tableServices@2024-01-01' = {
  parent: account
  name: 'default'
}

resource queueService 'Microsoft.Storage/storageAccounts/queueServices@2024-01-01' = {
  parent: account
  name: 'default'
}

resource queue 'Microsoft.Storage/storageAccounts/queueServices/queues@2024-01-01' = [for queueName in queues: {
  parent: queueService
  name: queueName
}]

resource lifecycle 'Microsoft.Storage/storageAccounts/managementPolicies@2024-01-01' = {
  parent: account
  name: 'default'
  properties: {
    policy: {
      rules: [
        leftovers
        cooling
      ]
    }
  }
  dependsOn: [
    blobs
  ]
}

resource blobLogs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'to-workspace'
  scope: blobs
  properties: {
    workspaceId: workspaceId
    logs: [
      {
        category: 'StorageRead'
        enabled: logEveryRequest
      }
      {
        category: 'StorageWrite'
        enabled: logEveryRequest
      }
      {
        category: 'StorageDelete'
        enabled: true
      }
    ]
    metrics: [
      {
        category: 'Transaction'
        enabled: true
      }
    ]
  }
}

resource tableLogs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'to-workspace'
  scope: tables
  properties: {
    workspaceId: workspaceId
    logs: [
      {
        category: 'StorageRead'
        enabled: logEveryRequest
      }
      {
        category: 'StorageWrite'
        enabled: logEveryRequest
      }
      {
        category: 'StorageDelete'
        enabled: logEveryRequest
      }
    ]
    metrics: [
      {
        category: 'Transaction'
        enabled: true
      }
    ]
  }
}

resource queueLogs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'to-workspace'
  scope: queueService
  properties: {
    workspaceId: workspaceId
    logs: [
      {
        category: 'StorageRead'
        enabled: logEveryRequest
      }
      {
        category: 'StorageWrite'
        enabled: logEveryRequest
      }
      {
        category: 'StorageDelete'
        enabled: logEveryRequest
      }
    ]
    metrics: [
      {
        category: 'Transaction'
        enabled: true
      }
    ]
  }
}

output id string = account.id
output name string = account.name
output tableEndpoint string = account.properties.primaryEndpoints.table
output blobEndpoint string = account.properties.primaryEndpoints.blob
output queueEndpoint string = account.properties.primaryEndpoints.queue
