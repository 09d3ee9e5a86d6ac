{{ reconcile(
  ref('stg_edreflect__slo_assessment_answers'),
  touched_by=ref('stg_edreflect__slos')
) }}
