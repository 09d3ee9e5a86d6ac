{{ newest_of_sources('aggregated_slo_assessments', document='slos', known_by='slo_id') }}
