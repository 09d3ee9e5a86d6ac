{{ stage('edreflect', 'artifact_content_ids') }}
