-- depends_on: {{ ref('oneroster__one_roster_role') }}
select
    held.tenant,
    held.org_id,
    held.id,
    held.user_id,
    held.organization_id,
    held.role,
    held.role_type,
    held.begin_date,
    held.end_date,
    held.status,
    {{ is_current('held') }} as is_current
from (
    {{ newest_of_tenant('one_roster_role') }}
) as held
