{{ stage('edreflect', 'slos') }}
