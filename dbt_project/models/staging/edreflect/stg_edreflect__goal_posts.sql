{{ stage('edreflect', 'goal_posts') }}
