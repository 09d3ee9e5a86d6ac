{{ stage('edreflect', 'user_ids') }}
