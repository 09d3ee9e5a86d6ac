{{ stage('edreflect', 'user_roles') }}
