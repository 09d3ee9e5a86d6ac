{{ reconcile(
  ref('stg_edreflect__slo_assessments'),
  touched_by=ref('stg_edreflect__slos')
) }}
