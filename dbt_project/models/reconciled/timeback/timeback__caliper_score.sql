{{ config(
    meta={'changes': ['attempt_id']},
    indexes=[{'columns': ['attempt_id']}],
) }}
{{ reconcile(ref('stg_timeback__caliper_score')) }}
