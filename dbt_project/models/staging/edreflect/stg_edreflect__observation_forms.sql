{{ stage('edreflect', 'observation_forms') }}
