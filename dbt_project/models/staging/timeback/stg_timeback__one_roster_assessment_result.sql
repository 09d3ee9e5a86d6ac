{{ stage('timeback', 'one_roster_assessment_result') }}
