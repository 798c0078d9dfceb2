// Asks an app from outside whether it and its stores answer, and tells when it does not.

param location string
param tags object
param name string

@description('What is asked; 200 is well.')
param url string

@description('Seconds between two questions from one place. Each question costs.')
@allowed([
  300
  600
  900
])
param frequencySeconds int

param componentId string
param actionGroupId string

resource test 'Microsoft.Insights/webtests@2022-06-15' = {
  name: name
  location: location
  // The portal finds the test by this tag.
  tags: union(tags, {
    'hidden-link:${componentId}': 'Resource'
  })
  kind: 'standard'
  properties: {
    SyntheticMonitorId: name
    Name: name
    Enabled: true
    Kind: 'standard'
    Frequency: frequencySeconds
    Timeout: 60
    RetryEnabled: true
    // https://learn.microsoft.com/azure/azure-monitor/app/availability#location-population-tags
    Locations: [
      {
        Id: 'emea-nl-ams-azr'
      }
      {
        Id: 'us-va-ash-azr'
      }
      {
        Id: 'apac-sg-sin-azr'
      }
    ]
    Request: {
      RequestUrl: url
      HttpVerb: 'GET'
      FollowRedirects: false
      ParseDependentRequests: false
    }
    ValidationRules: {
      ExpectedHttpStatusCode: 200
      IgnoreHttpStatusCode: false
      SSLCheck: true
      SSLCertRemainingLifetimeCheck: 7
    }
  }
}

resource alert 'Microsoft.Insights/metricAlerts@2018-03-01' = {
  name: 'unavailable-${name}'
  location: 'global'
  tags: tags
  properties: {
    description: 'An app or its stores did not answer from at least two places. docs/operating.md says what to do.'
    severity: 1
    enabled: true
    scopes: [
      test.id
      componentId
    ]
    evaluationFrequency: 'PT5M'
    windowSize: frequencySeconds > 300 ? 'PT30M' : 'PT15M'
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.WebtestLocationAvailabilityCriteria'
      webTestId: test.id
      componentId: componentId
      failedLocationCount: 2
    }
    autoMitigate: true
    actions: [
      {
        actionGroupId: actionGroupId
      }
    ]
  }
}
