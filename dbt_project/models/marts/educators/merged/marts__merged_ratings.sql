{{ newest_of_sources('ratings', document='observations', known_by='observation_group_id') }}
