{{ stage('edreflect', 'observation_template_ids') }}
