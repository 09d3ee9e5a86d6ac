select
    rating.org_id,
    rating._id as snapshot_id,
    rating.indicator_id,
    rating.proficiency_level_id,
    rating.value as rating_value,
    rating._day as as_of_day
from {{ snapshot_of('snapshots__indexes') }} as rating
