{{ reconcile(
  ref('stg_edreflect__goals'),
  deleted_by=ref('stg_edreflect__goals_deleted')
) }}
