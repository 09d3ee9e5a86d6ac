{{ reconcile(
  ref('stg_edreflect__ratings'),
  touched_by=ref('stg_edreflect__observation_modified')
) }}
