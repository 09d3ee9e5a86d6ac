{{ stage('edreflect', 'indicator_ids') }}
