{{ reconcile(
  ref('stg_edreflect__observation_feedback'),
  touched_by=ref('stg_edreflect__observation_modified')
) }}
