{{ newest_of_sources('observations', document='observations', known_by='observation_group_id') }}
