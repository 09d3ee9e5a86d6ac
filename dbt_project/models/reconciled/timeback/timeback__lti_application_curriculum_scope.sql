{{ config(
    meta={'changes': []},
) }}
{{ reconcile(ref('stg_timeback__lti_application_curriculum_scope')) }}
