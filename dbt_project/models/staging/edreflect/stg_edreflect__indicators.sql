{{ stage('edreflect', 'indicators') }}
