{{ reconcile(
  ref('stg_edreflect__observation_forms'),
  touched_by=ref('stg_edreflect__observation_modified')
) }}
