{{ reconcile(ref('stg_edreflect__goals_deleted')) }}
