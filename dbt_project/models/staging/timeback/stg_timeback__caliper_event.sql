{{ stage('timeback', 'caliper_event') }}
