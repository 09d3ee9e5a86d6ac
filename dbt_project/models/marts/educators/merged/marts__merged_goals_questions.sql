{{ newest_of_sources('goals_questions', document='goals', known_by='goal_id') }}
