{{ config(
    indexes=[{'columns': ['student_id']}],
) }}
{{ reconcile(ref('stg_timeback__one_roster_assessment_result')) }}
