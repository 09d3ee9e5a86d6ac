select
    summary.org_id,
    summary._id as snapshot_id,
    summary.name as snapshot_name,
    learner.employee_id as learner_employee_id,
    author.employee_id as created_by_employee_id,
    summary.school_year,
    summary.created_date as snapshot_created_date,
    summary._day as as_of_day
from {{ snapshot_of('snapshots') }} as summary
left join {{ ref('marts__snapshot_people') }} as learner
    on summary.org_id = learner.org_id and summary.user_id = learner.user_id
left join {{ ref('marts__snapshot_people') }} as author
    on summary.org_id = author.org_id and summary.created_by = author.user_id
