{{ stage('edreflect', 'rubrics') }}
