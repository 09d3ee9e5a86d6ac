{{ stage('edreflect', 'slo_assessment_ids') }}
