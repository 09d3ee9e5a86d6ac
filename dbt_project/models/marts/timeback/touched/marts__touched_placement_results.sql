select distinct
    placement.tenant,
    placement.student_id,
    placement.subject_id
from {{ changes_for('marts__placement_results', ref('timeback__placement_student_subject_placement')) }} as placement
