{{ stage('timeback', 'lti_application_curriculum_scope') }}
