{{ newest_of_sources('indicators', document='rubrics', known_by='rubric_id') }}
