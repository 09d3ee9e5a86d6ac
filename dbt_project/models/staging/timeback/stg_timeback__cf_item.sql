{{ stage('timeback', 'cf_item') }}
