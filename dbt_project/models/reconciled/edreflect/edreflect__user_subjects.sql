{{ reconcile(
  ref('stg_edreflect__user_subjects'),
  touched_by=ref('stg_edreflect__user_modified')
) }}
