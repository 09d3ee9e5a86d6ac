{{ stage('timeback', 'clr_achievement') }}
