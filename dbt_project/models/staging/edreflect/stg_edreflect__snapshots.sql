{{ stage('edreflect', 'snapshots') }}
