{{ stage('timeback', 'caliper_assignable_digital_resource') }}
