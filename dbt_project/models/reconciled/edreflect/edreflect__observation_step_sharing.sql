{{ reconcile(ref('stg_edreflect__observation_step_sharing')) }}
