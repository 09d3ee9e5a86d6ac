{{ reconcile(ref('stg_infinite_campus__program_staff')) }}
