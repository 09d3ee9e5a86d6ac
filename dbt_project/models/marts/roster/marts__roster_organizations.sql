-- depends_on: {{ ref('oneroster__one_roster_organization') }}
select
    organization.tenant,
    organization.org_id,
    organization.id,
    organization.status,
    organization.name,
    organization.type,
    organization.identifier,
    organization.parent_id
from (
    {{ newest_of_tenant('one_roster_organization') }}
) as organization
