{{ config(
    meta={'changes': []},
) }}
{{ reconcile(ref('stg_timeback__caliper_session')) }}
