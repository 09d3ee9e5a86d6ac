{{ newest_of_sources('user_subjects', document='snapshot_people', known_by='employee_id') }}
