-- depends_on: {{ ref('oneroster__one_roster_course') }}
select
    course.tenant,
    course.org_id,
    course.id,
    course.title
from (
    {{ newest_of_tenant('one_roster_course') }}
) as course
