{{ config(
    meta={'changes': ['caliper_session_id']},
    indexes=[{'columns': ['caliper_session_id']}],
) }}
{{ reconcile(ref('stg_timeback__insights_session')) }}
