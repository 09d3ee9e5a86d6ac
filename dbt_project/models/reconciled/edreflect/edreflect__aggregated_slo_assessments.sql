{{ reconcile(ref('stg_edreflect__aggregated_slo_assessments')) }}
