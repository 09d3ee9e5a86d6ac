{{ newest_of_sources('rubrics', document='rubrics', known_by='rubric_id') }}
