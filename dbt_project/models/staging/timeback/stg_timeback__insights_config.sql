{{ stage('timeback', 'insights_config') }}
