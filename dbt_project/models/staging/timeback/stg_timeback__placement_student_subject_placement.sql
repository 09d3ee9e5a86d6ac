{{ stage('timeback', 'placement_student_subject_placement') }}
