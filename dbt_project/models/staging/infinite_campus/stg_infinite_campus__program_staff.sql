{{ stage('infinite_campus', 'program_staff') }}
