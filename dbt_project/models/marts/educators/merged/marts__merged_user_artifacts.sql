{{ newest_of_sources('user_artifacts', document='artifacts', known_by='artifact_id') }}
