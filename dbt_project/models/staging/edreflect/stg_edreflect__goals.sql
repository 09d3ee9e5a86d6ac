{{ stage('edreflect', 'goals') }}
