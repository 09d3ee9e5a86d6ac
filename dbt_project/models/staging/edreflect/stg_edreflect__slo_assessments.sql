{{ stage('edreflect', 'slo_assessments') }}
