{{ stage('edreflect', 'goals_modified') }}
