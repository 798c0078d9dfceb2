// What an operator is told of. docs/operating.md says for each what to do.

param location string
param tags object
param workspaceId string
param dataAccountId string

@description('Resource ids of the function apps.')
param appIds array

param alertEmail string

@description('GB-seconds in one hour above which an app costs more than planned.')
param hourlyGbSeconds int

// Records are one line of JSON in the message; docs/operating.md lists them.
var metrics = 'AppTraces | where Message has "metric" | extend record = parse_json(Message) | where tostring(record.event) == "metric" | extend name = tostring(record.name), value = todouble(record.value)'

var rules = [
  {
    name: 'requests-fail'
    description: 'More than 20 requests failed for our own fault (answered with 5xx) within 15 minutes.'
    severity: 2
    frequency: 'PT5M'
    window: 'PT15M'
    // The host keeps no status, as it would keep the URL with it: tracked URLs are tokens.
    query: 'AppTraces | where Message has "request_failed" | where tostring(parse_json(Message).event) == "request_failed" | summarize failures = sum(ItemCount) | where failures > 20'
    operator: 'GreaterThan'
    threshold: 0
  }
  {
    name: 'queue-is-old'
    description: 'A message has waited in a queue for more than five minutes.'
    severity: 2
    frequency: 'PT5M'
    window: 'PT15M'
    query: '${metrics} | where name == "queue_age_seconds" and value > 300'
    operator: 'GreaterThan'
    threshold: 0
  }
  {
    name: 'queue-is-poisoned'
    description: 'Messages that failed too often wait in a poison queue.'
    severity: 2
    frequency: 'PT15M'
    window: 'PT1H'
    query: '${metrics} | where name == "poison_count" and value > 0'
    operator: 'GreaterThan'
    threshold: 0
  }
  {
    name: 'interactions-spill'
    description: 'Neither table nor queue took an interaction: it waits on the disk of an instance.'
    severity: 1
    frequency: 'PT5M'
    window: 'PT15M'
    query: '${metrics} | where name == "spilled" and value > 0'
    operator: 'GreaterThan'
    threshold: 0
  }
  {
    name: 'interactions-lost'
    description: 'Nothing took an interaction: it is lost.'
    severity: 0
    frequency: 'PT5M'
    window: 'PT15M'
    query: '${metrics} | where name == "lost" and value > 0'
    operator: 'GreaterThan'
    threshold: 0
  }
  {
    name: 'deliveries-fail'
    description: 'More than 10 messages or webhooks could not be delivered within an hour.'
    severity: 2
    frequency: 'PT15M'
    window: 'PT1H'
    query: '${metrics} | where name == "deliveries" and tostring(record.outcome) in ("failed", "unknown") | summarize failures = sum(value) | where failures > 10'
    operator: 'GreaterThan'
    threshold: 0
  }
  {
    name: 'timers-are-silent'
    description: 'No timer has measured a queue for an hour: nothing is sent, judged or rolled up.'
    severity: 1
    frequency: 'PT15M'
    window: 'PT1H'
    query: '${metrics} | where name == "queue_age_seconds"'
    operator: 'LessThan'
    threshold: 1
  }
]

resource actionGroup 'Microsoft.Insights/actionGroups@2023-01-01' = {
  name: 'operators'
  location: 'global'
  tags: tags
  properties: {
    groupShortName: 'engagement'
    enabled: true
    emailReceivers: [
      {
        name: 'operators'
        emailAddress: alertEmail
        useCommonAlertSchema: true
      }
    ]
  }
}

resource queryRule 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [for rule in rules: {
  name: rule.name
  location: location
  tags: tags
  kind: 'LogAlert'
  properties: {
    displayName: rule.name
    description: rule.description
    severity: rule.severity
    enabled: true
    scopes: [
      workspaceId
    ]
    evaluationFrequency: rule.frequency
    windowSize: rule.window
    criteria: {
      allOf: [
        {
          query: rule.query
          timeAggregation: 'Count'
          operator: rule.operator
          threshold: rule.threshold
          failingPeriods: {
            numberOfEvaluationPeriods: 1
            minFailingPeriodsToAlert: 1
          }
        }
      ]
    }
    autoMitigate: true
    // A new workspace may not have its tables yet.
    skipQueryValidation: true
    actions: {
      actionGroups: [
        actionGroup.id
      ]
    }
  }
}]

resource storageAlert 'Microsoft.Insights/metricAlerts@2018-03-01' = {
  name: 'storage-fails'
  location: 'global'
  tags: tags
  properties: {
    description: 'The data account answers fewer than 99 of 100 requests.'
    severity: 1
    enabled: true
    scopes: [
      dataAccountId
    ]
    evaluationFrequency: 'PT5M'
    windowSize: 'PT15M'
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
      allOf: [
        {
          name: 'availability'
          criterionType: 'StaticThresholdCriterion'
          metricNamespace: 'Microsoft.Storage/storageAccounts'
          metricName: 'Availability'
          timeAggregation: 'Average'
          operator: 'LessThan'
          threshold: 99
        }
      ]
    }
    autoMitigate: true
    actions: [
      {
        actionGroupId: actionGroup.id
      }
    ]
  }
}

// The budget is told of costs a day later; this one within the hour.
resource costAlert 'Microsoft.Insights/metricAlerts@2018-03-01' = [for appId in appIds: {
  name: 'costs-rise-${last(split(appId, '/'))}'
  location: 'global'
  tags: tags
  properties: {
    description: 'An app has run for more GB-seconds in an hour than planned.'
    severity: 2
    enabled: true
    scopes: [
      appId
    ]
    evaluationFrequency: 'PT15M'
    windowSize: 'PT1H'
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
      allOf: [
        {
          name: 'execution-units'
          criterionType: 'StaticThresholdCriterion'
          metricNamespace: 'Microsoft.Web/sites'
          // MB-milliseconds: https://learn.microsoft.com/azure/azure-functions/functions-consumption-costs
          metricName: 'OnDemandFunctionExecutionUnits'
          timeAggregation: 'Total'
          operator: 'GreaterThan'
          threshold: hourlyGbSeconds * 1024000
        }
      ]
    }
    autoMitigate: true
    actions: [
      {
        actionGroupId: actionGroup.id
      }
    ]
  }
}]

output actionGroupId string = actionGroup.id
