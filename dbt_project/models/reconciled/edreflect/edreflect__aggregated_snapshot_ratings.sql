{{ reconcile(
  ref('stg_edreflect__aggregated_snapshot_ratings'),
  touched_by=ref('stg_edreflect__observation_modified')
) }}
