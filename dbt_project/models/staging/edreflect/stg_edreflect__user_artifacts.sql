{{ stage('edreflect', 'user_artifacts') }}
