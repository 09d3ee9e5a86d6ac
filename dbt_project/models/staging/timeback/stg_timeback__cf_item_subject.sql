{{ stage('timeback', 'cf_item_subject') }}
