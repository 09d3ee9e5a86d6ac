{{ newest_of_sources('user_roles', document='snapshot_people', known_by='employee_id') }}
