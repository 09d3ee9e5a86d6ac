{{ config(
    meta={'groups': ['student_id', 'subject_id']},
    indexes=[
        {'columns': ['student_id', 'subject_id', 'tenant'], 'unique': true},
    ],
) }}
-- depends_on: {{ ref('marts__touched_placement_results') }}
select
    placement.tenant,
    placement.student_id,
    placement.subject_id,
    placement.grade_id,
    placement.date_last_modified as last_updated,
    coalesce(placement.placement_status, 'NotStarted') as placement_status
from {{ newest_in_tenant(ref('timeback__placement_student_subject_placement')) }} as placement
{{ only_touched('placement', {'student_id': 'student_id', 'subject_id': 'subject_id'}) }}
