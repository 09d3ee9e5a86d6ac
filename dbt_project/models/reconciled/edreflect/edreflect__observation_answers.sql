{{ reconcile(
  ref('stg_edreflect__observation_answers'),
  touched_by=ref('stg_edreflect__observation_modified')
) }}
