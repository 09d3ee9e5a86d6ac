with staged as (
    {{ stage('oneroster', 'roles') }}
)

select
    staged.org_id,
    {{ roster_id('role', 'staged.sourced_id') }} as id,
    staged.sourced_id,
    staged.status,
    staged.date_last_modified,
    {{ roster_id('user', 'staged.user_sourced_id') }} as user_id,
    {{ roster_id('org', 'staged.org_sourced_id') }} as organization_id,
    staged.role,
    staged.role_type,
    staged.begin_date,
    staged.end_date,
    staged.uncast,
    staged._load_id,
    staged._row,
    staged._line,
    staged._raw
from staged
