{{ stage('edreflect', 'observation_participants') }}
