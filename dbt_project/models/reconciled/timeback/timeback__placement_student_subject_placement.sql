{{ config(
    meta={'changes': []},
) }}
{{ reconcile(ref('stg_timeback__placement_student_subject_placement')) }}
