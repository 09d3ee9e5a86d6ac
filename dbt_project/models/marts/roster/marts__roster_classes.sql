-- depends_on: {{ ref('oneroster__one_roster_class') }}
select
    section.tenant,
    section.org_id,
    section.id,
    section.title,
    section.class_code,
    section.class_type,
    section.course_id,
    section.school_id,
    section.status
from (
    {{ newest_of_tenant('one_roster_class') }}
) as section
