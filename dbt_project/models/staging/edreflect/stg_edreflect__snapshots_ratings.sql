{{ stage('edreflect', 'snapshots_ratings') }}
