{{ stage('edreflect', 'observation_answers') }}
