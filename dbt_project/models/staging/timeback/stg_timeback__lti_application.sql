{{ stage('timeback', 'lti_application') }}
