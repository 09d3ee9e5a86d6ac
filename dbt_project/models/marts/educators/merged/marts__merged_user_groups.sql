{{ newest_of_sources('user_groups', document='snapshot_people', known_by='employee_id') }}
