{{ stage('edreflect', 'user_affiliations') }}
