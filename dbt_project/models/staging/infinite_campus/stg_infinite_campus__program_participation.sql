{{ stage('infinite_campus', 'program_participation') }}
