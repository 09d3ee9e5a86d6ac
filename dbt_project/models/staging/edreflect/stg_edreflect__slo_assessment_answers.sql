{{ stage('edreflect', 'slo_assessment_answers') }}
