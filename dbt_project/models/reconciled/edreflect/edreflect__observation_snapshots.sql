{{ reconcile(
  ref('stg_edreflect__observation_snapshots'),
  touched_by=ref('stg_edreflect__observation_modified')
) }}
