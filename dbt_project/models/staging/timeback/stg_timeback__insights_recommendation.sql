{{ stage('timeback', 'insights_recommendation') }}
