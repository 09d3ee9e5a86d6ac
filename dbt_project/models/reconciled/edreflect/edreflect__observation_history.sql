{{ reconcile(ref('stg_edreflect__observation_history')) }}
