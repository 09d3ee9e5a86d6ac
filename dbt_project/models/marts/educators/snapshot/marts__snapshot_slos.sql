select
    slo.org_id,
    slo._id as slo_id,
    slo.slo_template_id,
    holder.employee_id,
    slo.title as slo_title,
    slo.status as slo_status,
    slo.school_year,
    slo.created_date as slo_created_date,
    slo.modified_date as slo_modified_date,
    slo._day as as_of_day
from {{ snapshot_of('slos') }} as slo
left join {{ ref('marts__snapshot_people') }} as holder
    on slo.org_id = holder.org_id and slo.user_id = holder.user_id
