{{ stage('edreflect', 'trending_ratings') }}
