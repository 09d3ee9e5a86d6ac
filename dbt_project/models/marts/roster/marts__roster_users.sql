-- depends_on: {{ ref('oneroster__one_roster_user') }}
select
    person.tenant,
    person.org_id,
    person.id,
    person.status,
    person.email,
    {{ full_name('person') }} as name -- noqa: RF04
from (
    {{ newest_of_tenant('one_roster_user') }}
) as person
