select
    rung.org_id,
    rung._id as rubric_id,
    rung.indicator_id,
    rung.proficiency_level_id,
    rung.name as level_name,
    rung.value as level_value,
    rung.description as level_description,
    rung._day as as_of_day
from {{ snapshot_of('rubrics__indicators__proficiency_levels') }} as rung
