{{ reconcile(
  ref('stg_edreflect__goals_indicators'),
  deleted_by=ref('stg_edreflect__goals_deleted')
) }}
