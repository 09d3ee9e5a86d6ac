{{ config(
    meta={'changes': ['insight_id']},
    indexes=[{'columns': ['insight_id']}],
) }}
{{ reconcile(ref('stg_timeback__insights_review')) }}
