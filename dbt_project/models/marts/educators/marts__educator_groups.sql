select distinct
    membership.org_id,
    membership.employee_id,
    membership.group_id,
    membership.group_name,
    membership.source,
    membership.as_of_day
from {{ ref('marts__merged_user_groups') }} as membership
where membership.group_id is not null
