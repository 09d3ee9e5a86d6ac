{{ stage('edreflect', 'user_rubrics') }}
