{{ reconcile(
  ref('stg_edreflect__user_rubrics'),
  touched_by=ref('stg_edreflect__user_rubrics_modified')
) }}
