{{ reconcile(ref('stg_edreflect__snapshots_ratings')) }}
