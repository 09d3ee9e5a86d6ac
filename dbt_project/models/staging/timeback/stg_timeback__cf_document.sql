{{ stage('timeback', 'cf_document') }}
