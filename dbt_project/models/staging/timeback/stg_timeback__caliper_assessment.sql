{{ stage('timeback', 'caliper_assessment') }}
