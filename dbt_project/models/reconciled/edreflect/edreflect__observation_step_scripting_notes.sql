{{ reconcile(ref('stg_edreflect__observation_step_scripting_notes')) }}
