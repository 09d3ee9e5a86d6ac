{{ stage('edreflect', 'goal_ids') }}
