// What an operator looks at first; docs/operating.md explains it.

param location string
param tags object
param workspaceId string

resource workbook 'Microsoft.Insights/workbooks@2022-04-01' = {
  name: guid(resourceGroup().id, 'engagement')
  location: location
  tags: tags
  kind: 'shared'
  properties: {
    displayName: 'Engagement'
    description: 'Hits, verdicts, queues and deliveries of this deployment.'
    category: 'workbook'
    sourceId: workspaceId
    version: '1.0'
    serializedData: loadTextContent('../workbook.json')
  }
}
