{{ stage('edreflect', 'step_ids') }}
