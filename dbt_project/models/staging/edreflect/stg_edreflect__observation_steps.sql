{{ stage('edreflect', 'observation_steps') }}
