{{ reconcile(
  ref('stg_edreflect__user_affiliations'),
  modified_by=ref('stg_edreflect__user_modified')
) }}
