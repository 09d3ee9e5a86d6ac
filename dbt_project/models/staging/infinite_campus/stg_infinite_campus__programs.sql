{{ stage('infinite_campus', 'programs') }}
