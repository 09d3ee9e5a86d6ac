{{ stage('timeback', 'caliper_resource_relation') }}
