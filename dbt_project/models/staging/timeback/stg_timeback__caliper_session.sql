{{ stage('timeback', 'caliper_session') }}
