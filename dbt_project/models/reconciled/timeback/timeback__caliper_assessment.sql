{{ reconcile(ref('stg_timeback__caliper_assessment')) }}
