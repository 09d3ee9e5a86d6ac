{{ stage('edreflect', 'trendings') }}
