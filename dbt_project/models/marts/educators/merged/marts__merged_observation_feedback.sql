{{ newest_of_sources('observation_feedback', document='observations', known_by='observation_group_id') }}
