{{ stage('edreflect', 'indicator_proficiency_levels') }}
