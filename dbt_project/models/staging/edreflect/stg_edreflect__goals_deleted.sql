{{ stage('edreflect', 'goals_deleted') }}
