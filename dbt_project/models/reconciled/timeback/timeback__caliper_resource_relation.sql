{{ reconcile(ref('stg_timeback__caliper_resource_relation')) }}
