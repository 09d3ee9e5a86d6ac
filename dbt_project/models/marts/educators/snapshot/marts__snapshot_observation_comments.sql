select
    remark.org_id,
    remark._id as observation_group_id,
    remark.indicator_id,
    commenter.employee_id as commenter_employee_id,
    remark.text as comment,  -- noqa: RF04
    remark._day as as_of_day
from {{ snapshot_of('observations__work__evaluations__indicators__comments') }} as remark
left join {{ ref('marts__snapshot_people') }} as commenter
    on remark.org_id = commenter.org_id and remark.user_id = commenter.user_id
