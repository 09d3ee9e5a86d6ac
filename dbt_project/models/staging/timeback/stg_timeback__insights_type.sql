{{ stage('timeback', 'insights_type') }}
