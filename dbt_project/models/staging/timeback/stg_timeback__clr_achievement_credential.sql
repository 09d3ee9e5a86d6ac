{{ stage('timeback', 'clr_achievement_credential') }}
