{{ newest_of_sources('goals', document='goals', known_by='goal_id') }}
