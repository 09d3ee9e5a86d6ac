with staged as (
    {{ stage('oneroster', 'users') }}
)

select
    staged.org_id,
    {{ roster_id('user', 'staged.sourced_id') }} as id,
    staged.sourced_id,
    staged.status,
    staged.date_last_modified,
    staged.enabled_user,
    staged.username,
    staged.given_name,
    staged.middle_name,
    staged.family_name,
    staged.identifier,
    staged.email,
    staged.sms,
    staged.phone,
    staged.grades,
    staged.user_ids,
    staged.role as _role,
    staged.org_sourced_ids as _org_sourced_ids,
    staged.agent_sourced_ids as _agent_sourced_ids,
    {{ roster_ids('user', 'staged.agent_sourced_ids') }} as _agent_ids,
    staged.uncast,
    staged._load_id,
    staged._row,
    staged._line,
    staged._raw
from staged
