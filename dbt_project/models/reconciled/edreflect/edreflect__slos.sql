{{ reconcile(ref('stg_edreflect__slos')) }}
