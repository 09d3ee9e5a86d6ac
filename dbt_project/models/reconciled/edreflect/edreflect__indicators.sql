{{ reconcile(
  ref('stg_edreflect__indicators'),
  touched_by=ref('stg_edreflect__rubrics')
) }}
