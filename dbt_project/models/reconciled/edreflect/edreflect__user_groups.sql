{{ reconcile(
  ref('stg_edreflect__user_groups'),
  touched_by=ref('stg_edreflect__user_modified')
) }}
