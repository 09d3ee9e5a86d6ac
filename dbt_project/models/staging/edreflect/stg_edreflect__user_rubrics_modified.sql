{{ stage('edreflect', 'user_rubrics_modified') }}
