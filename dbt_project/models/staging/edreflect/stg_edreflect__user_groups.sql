{{ stage('edreflect', 'user_groups') }}
