select
    indicator.org_id,
    indicator._id as rubric_id,
    indicator.indicator_id,
    indicator.parent_indicator_id,
    indicator.code as indicator_code,
    indicator.name as indicator_name,
    indicator.level as indicator_level,
    indicator."order" as indicator_order,
    indicator._day as as_of_day
from {{ snapshot_of('rubrics__indicators') }} as indicator
