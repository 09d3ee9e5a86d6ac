{{ config(
    meta={'changes': []},
    indexes=[{'columns': ['cf_item_id']}],
) }}
{{ reconcile(ref('stg_timeback__clr_achievement')) }}
