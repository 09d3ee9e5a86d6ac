{{ stage('edreflect', 'observation_modified') }}
