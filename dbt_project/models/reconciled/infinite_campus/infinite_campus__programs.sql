{{ reconcile(ref('stg_infinite_campus__programs')) }}
