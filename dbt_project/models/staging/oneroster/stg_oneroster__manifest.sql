{{ stage('oneroster', 'manifest') }}
