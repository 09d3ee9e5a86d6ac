{{ stage('edreflect', 'observations') }}
