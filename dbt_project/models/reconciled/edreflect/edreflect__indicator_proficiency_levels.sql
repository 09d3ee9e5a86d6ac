{{ reconcile(
  ref('stg_edreflect__indicator_proficiency_levels'),
  touched_by=ref('stg_edreflect__rubrics')
) }}
