{{ newest_of_sources('observation_comments', document='observations', known_by='observation_group_id') }}
