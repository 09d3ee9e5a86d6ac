{{ stage('edreflect', 'aggregated_slo_assessments') }}
