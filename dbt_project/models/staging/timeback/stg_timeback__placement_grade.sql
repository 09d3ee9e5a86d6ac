{{ stage('timeback', 'placement_grade') }}
