{{ stage('edreflect', 'user_grades') }}
