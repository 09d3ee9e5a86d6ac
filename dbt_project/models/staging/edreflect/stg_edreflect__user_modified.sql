{{ stage('edreflect', 'user_modified') }}
