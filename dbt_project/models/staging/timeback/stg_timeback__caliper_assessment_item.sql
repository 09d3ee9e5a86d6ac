{{ stage('timeback', 'caliper_assessment_item') }}
