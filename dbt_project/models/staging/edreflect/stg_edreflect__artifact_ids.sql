{{ stage('edreflect', 'artifact_ids') }}
