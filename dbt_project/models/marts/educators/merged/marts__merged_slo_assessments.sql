{{ newest_of_sources('slo_assessments', document='slos', known_by='slo_id') }}
