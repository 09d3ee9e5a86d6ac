{{ newest_of_sources('indicator_proficiency_levels', document='rubrics', known_by='rubric_id') }}
