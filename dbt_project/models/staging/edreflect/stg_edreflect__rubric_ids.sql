{{ stage('edreflect', 'rubric_ids') }}
