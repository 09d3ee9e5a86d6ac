{{ stage('edreflect', 'user_group_ids') }}
