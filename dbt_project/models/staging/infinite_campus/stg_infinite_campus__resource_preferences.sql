{{ stage('infinite_campus', 'resource_preferences') }}
