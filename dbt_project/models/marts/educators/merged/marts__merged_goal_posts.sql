{{ newest_of_sources('goal_posts', document='goals', known_by='goal_id') }}
