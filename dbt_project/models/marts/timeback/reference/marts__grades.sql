select
    grade.tenant,
    grade.id,
    grade.grade_primary_identifier as grade_identifier,
    grade.label,
    grade.order_number
from {{ newest_in_tenant(ref('timeback__placement_grade')) }} as grade
where grade.grade_primary_identifier is not null and grade.label is not null and grade.order_number is not null
