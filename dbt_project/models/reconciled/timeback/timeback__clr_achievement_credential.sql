{{ config(
    meta={'changes': []},
    indexes=[{'columns': ['achievement_id']}],
) }}
{{ reconcile(ref('stg_timeback__clr_achievement_credential')) }}
