{{ reconcile(
  ref('stg_edreflect__user_roles'),
  touched_by=ref('stg_edreflect__user_modified')
) }}
