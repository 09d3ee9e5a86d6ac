select
    rubric.org_id,
    rubric._id as rubric_id,
    rubric.name as rubric_name,
    rubric.type as rubric_type,
    rubric.is_active,
    rubric.school_year,
    rubric._day as as_of_day
from {{ snapshot_of('rubrics') }} as rubric
