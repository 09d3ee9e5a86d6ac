{{ reconcile(ref('stg_edreflect__user_artifacts')) }}
