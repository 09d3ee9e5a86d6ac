{{ newest_of_sources('user_grades', document='snapshot_people', known_by='employee_id') }}
