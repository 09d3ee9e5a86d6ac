{{ stage('edreflect', 'goals_questions') }}
