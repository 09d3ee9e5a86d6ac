{{ reconcile(ref('stg_edreflect__aggregated_eoy_snapshots')) }}
