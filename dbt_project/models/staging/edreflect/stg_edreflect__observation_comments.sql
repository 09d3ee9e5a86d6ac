{{ stage('edreflect', 'observation_comments') }}
