{{ stage('edreflect', 'goals_indicators') }}
