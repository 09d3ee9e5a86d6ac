-- depends_on: {{ ref('oneroster__one_roster_enrollment') }}
select
    enrollment.tenant,
    enrollment.org_id,
    enrollment.id,
    enrollment.user_id,
    enrollment.class_id,
    enrollment.role,
    enrollment."primary" as recorded_primary,
    enrollment.begin_date,
    enrollment.end_date,
    enrollment.status
from (
    {{ newest_of_tenant('one_roster_enrollment') }}
) as enrollment
