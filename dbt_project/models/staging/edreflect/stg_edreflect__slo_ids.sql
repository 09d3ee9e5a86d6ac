{{ stage('edreflect', 'slo_ids') }}
