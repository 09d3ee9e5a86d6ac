{{ reconcile(
  ref('stg_edreflect__goals_questions'),
  touched_by=ref('stg_edreflect__goals_modified'),
  deleted_by=ref('stg_edreflect__goals_deleted')
) }}
