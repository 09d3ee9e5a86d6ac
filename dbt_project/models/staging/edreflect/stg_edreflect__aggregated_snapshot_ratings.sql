{{ stage('edreflect', 'aggregated_snapshot_ratings') }}
