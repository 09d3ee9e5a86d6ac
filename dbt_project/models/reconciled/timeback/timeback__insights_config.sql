{{ config(
    meta={'changes': []},
) }}
{{ reconcile(ref('stg_timeback__insights_config')) }}
