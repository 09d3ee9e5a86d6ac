select distinct
    aim.org_id,
    aim._id as goal_id,
    aim.indicator_id,
    aim.rubric_id,
    aim._day as as_of_day
from {{ snapshot_of('goals__aligned_indicators') }} as aim
