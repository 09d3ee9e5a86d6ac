{{ reconcile(ref('stg_timeback__caliper_assignable_digital_resource')) }}
