{{ reconcile(
  ref('stg_edreflect__trending_ratings'),
  touched_by=ref('stg_edreflect__trendings')
) }}
