{{ reconcile(ref('stg_edreflect__observations')) }}
