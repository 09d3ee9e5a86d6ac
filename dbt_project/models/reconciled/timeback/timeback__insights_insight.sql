{{ config(
    meta={'changes': ['insights_session_id']},
    indexes=[{'columns': ['insights_session_id']}, {'columns': ['insight_type_id']}],
) }}
{{ reconcile(ref('stg_timeback__insights_insight')) }}
