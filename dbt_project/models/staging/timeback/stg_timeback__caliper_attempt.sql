{{ stage('timeback', 'caliper_attempt') }}
