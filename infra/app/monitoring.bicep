// Where logs and metrics go. Nobody writes with a key: the apps' identities are let in by a role.

param location string
param tags object
param token string

@minValue(30)
@maxValue(730)
param retentionInDays int

@description('Gigabytes a day after which nothing more is taken in until the next day; -1 for no cap.')
param dailyCapGb int

resource workspace 'Microsoft.OperationalInsights/workspaces@2023-09-01' = {
  name: 'log-${token}'
  location: location
  tags: tags
  properties: {
    sku: {
      name: 'PerGB2018'
    }
    retentionInDays: retentionInDays
    workspaceCapping: {
      dailyQuotaGb: dailyCapGb
    }
    features: {
      disableLocalAuth: true
      enableLogAccessUsingOnlyResourcePermissions: true
    }
  }
}

resource component 'Microsoft.Insights/components@2020-02-02' = {
  name: 'appi-${token}'
  location: location
  tags: tags
  kind: 'web'
  properties: {
    Application_Type: 'web'
    WorkspaceResourceId: workspace.id
    IngestionMode: 'LogAnalytics'
    DisableLocalAuth: true
    // The addresses of those who open messages are not kept.
    DisableIpMasking: false
  }
}

output workspaceId string = workspace.id
output componentId string = component.id
output componentName string = component.name
