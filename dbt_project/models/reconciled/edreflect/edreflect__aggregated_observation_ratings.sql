{{ reconcile(
  ref('stg_edreflect__aggregated_observation_ratings'),
  touched_by=ref('stg_edreflect__observation_modified')
) }}
