{{ stage('edreflect', 'aggregated_eoy_snapshots') }}
