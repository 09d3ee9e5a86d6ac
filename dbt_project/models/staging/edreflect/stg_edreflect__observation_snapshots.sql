{{ stage('edreflect', 'observation_snapshots') }}
