{{ stage('timeback', 'lti_application_subject') }}
