{{ stage('edreflect', 'observation_step_sharing') }}
