select
    work.org_id,
    work._id as observation_group_id,
    work.feedback,
    work.next_steps,
    work.observer_notes,
    work._day as as_of_day
from {{ snapshot_of('observations__work') }} as work
where work.feedback is not null or work.next_steps is not null or work.observer_notes is not null
