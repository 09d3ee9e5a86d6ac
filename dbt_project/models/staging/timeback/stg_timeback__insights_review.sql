{{ stage('timeback', 'insights_review') }}
