{{ newest_of_sources('user_accounts', document='snapshot_people', known_by='employee_id') }}
