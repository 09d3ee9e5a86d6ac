{{ stage('edreflect', 'snapshot_ids') }}
