{{ stage('timeback', 'insights_insight') }}
