{{ stage('timeback', 'cf_subject') }}
