{{ stage('edreflect', 'slo_template_ids') }}
