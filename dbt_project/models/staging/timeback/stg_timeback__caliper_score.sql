{{ stage('timeback', 'caliper_score') }}
