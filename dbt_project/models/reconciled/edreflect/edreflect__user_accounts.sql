{{ reconcile(
  ref('stg_edreflect__user_accounts'),
  touched_by=ref('stg_edreflect__user_modified')
) }}
