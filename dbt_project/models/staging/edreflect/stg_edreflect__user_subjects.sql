{{ stage('edreflect', 'user_subjects') }}
