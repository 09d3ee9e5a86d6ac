{{ reconcile(ref('stg_timeback__cf_item_subject')) }}
