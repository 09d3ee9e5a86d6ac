{{ reconcile(ref('stg_timeback__placement_grade')) }}
