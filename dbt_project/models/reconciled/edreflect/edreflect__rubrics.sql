{{ reconcile(ref('stg_edreflect__rubrics')) }}
