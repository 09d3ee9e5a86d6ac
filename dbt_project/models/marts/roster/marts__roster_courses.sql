-- depends_on: {{ ref('oneroster__one_roster_course') }}
with courses as (
    {{ newest_of_tenant('one_roster_course') }}
)

select
    course.tenant,
    course.org_id,
    course.id,
    course.title
from courses as course
