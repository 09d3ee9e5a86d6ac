select
    snapshot.org_id,
    snapshot._id as snapshot_id,
    snapshot.name as snapshot_name,
    learner.employee_id as learner_employee_id,
    author.employee_id as created_by_employee_id,
    snapshot.school_year,
    snapshot.created_date as snapshot_created_date,
    snapshot._day as as_of_day
from {{ snapshot_of('snapshots') }} as snapshot
left join {{ ref('marts__snapshot_people') }} as learner
    on snapshot.org_id = learner.org_id and snapshot.user_id = learner.user_id
left join {{ ref('marts__snapshot_people') }} as author
    on snapshot.org_id = author.org_id and snapshot.created_by = author.user_id
