{{ stage('edreflect', 'observation_history') }}
