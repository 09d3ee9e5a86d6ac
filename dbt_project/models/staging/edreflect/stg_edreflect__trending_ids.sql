{{ stage('edreflect', 'trending_ids') }}
