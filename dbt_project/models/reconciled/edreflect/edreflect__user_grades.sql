{{ reconcile(
  ref('stg_edreflect__user_grades'),
  touched_by=ref('stg_edreflect__user_modified')
) }}
