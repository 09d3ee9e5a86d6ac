select distinct
    held.tenant,
    held.user_id as student_id,
    organization.name as organization_name
from {{ ref('marts__roster_roles') }} as held
inner join {{ ref('marts__roster_organizations') }} as organization
    on held.organization_id = organization.id and {{ same_tenant('held', 'organization') }}
where held.role = 'student' and held.is_current and held.user_id is not null and organization.name is not null
