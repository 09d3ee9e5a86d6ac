{{ stage('edreflect', 'observation_feedback') }}
