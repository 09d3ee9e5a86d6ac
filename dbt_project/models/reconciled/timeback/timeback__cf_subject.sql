{{ reconcile(ref('stg_timeback__cf_subject')) }}
