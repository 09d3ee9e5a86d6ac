{{ newest_of_sources('user_affiliations') }}
