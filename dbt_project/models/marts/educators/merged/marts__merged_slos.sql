{{ newest_of_sources('slos', document='slos', known_by='slo_id') }}
