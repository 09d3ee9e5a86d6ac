{{ reconcile(ref('stg_edreflect__trendings')) }}
