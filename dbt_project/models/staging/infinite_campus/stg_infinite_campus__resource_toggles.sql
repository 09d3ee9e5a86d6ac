{{ stage('infinite_campus', 'resource_toggles') }}
