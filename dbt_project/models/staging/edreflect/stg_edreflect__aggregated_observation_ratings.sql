{{ stage('edreflect', 'aggregated_observation_ratings') }}
