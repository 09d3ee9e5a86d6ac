with staged as (
    {{ stage('oneroster', 'enrollments') }}
)

select
    staged.org_id,
    {{ roster_id('enrollment', 'staged.sourced_id') }} as id,
    staged.sourced_id,
    staged.status,
    staged.date_last_modified,
    {{ roster_id('user', 'staged.user_sourced_id') }} as user_id,
    {{ roster_id('class', 'staged.class_sourced_id') }} as class_id,
    {{ roster_id('org', 'staged.school_sourced_id') }} as school_id,
    staged.role,
    staged."primary",
    staged.begin_date,
    staged.end_date,
    staged.uncast,
    staged._load_id,
    staged._row,
    staged._line,
    staged._raw
from staged
