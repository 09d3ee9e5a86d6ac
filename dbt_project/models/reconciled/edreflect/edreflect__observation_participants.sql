{{ reconcile(
  ref('stg_edreflect__observation_participants'),
  touched_by=ref('stg_edreflect__observation_modified')
) }}
