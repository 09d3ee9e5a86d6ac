{{ newest_of_sources('observation_steps', document='observations', known_by='observation_group_id') }}
