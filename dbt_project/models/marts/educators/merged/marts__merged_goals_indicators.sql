{{ newest_of_sources('goals_indicators', document='goals', known_by='goal_id') }}
