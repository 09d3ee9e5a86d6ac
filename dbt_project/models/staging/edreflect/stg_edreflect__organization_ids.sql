{{ stage('edreflect', 'organization_ids') }}
