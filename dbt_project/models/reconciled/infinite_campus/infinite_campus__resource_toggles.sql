{{ reconcile(ref('stg_infinite_campus__resource_toggles')) }}
