{{ config(
    meta={'changes': []},
) }}
{{ reconcile(ref('stg_timeback__caliper_assessment_item')) }}
