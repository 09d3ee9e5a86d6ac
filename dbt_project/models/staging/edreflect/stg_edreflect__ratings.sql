{{ stage('edreflect', 'ratings') }}
