{{ config(
    meta={'changes': ['assignee_id', 'assignable_id']},
    indexes=[{'columns': ['assignee_id', 'assignable_id']}],
) }}
{{ reconcile(ref('stg_timeback__caliper_attempt')) }}
