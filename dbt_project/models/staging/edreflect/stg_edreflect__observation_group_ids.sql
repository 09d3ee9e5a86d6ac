{{ stage('edreflect', 'observation_group_ids') }}
