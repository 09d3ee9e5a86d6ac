{{ stage('edreflect', 'observation_step_scripting_notes') }}
