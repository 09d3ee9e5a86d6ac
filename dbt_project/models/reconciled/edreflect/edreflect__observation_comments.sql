{{ reconcile(
  ref('stg_edreflect__observation_comments'),
  touched_by=ref('stg_edreflect__observation_modified')
) }}
