{{ stage('edreflect', 'user_accounts') }}
