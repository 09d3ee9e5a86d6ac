{{ stage('timeback', 'insights_session') }}
