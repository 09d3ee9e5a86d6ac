with staged as (
    {{ stage('oneroster', 'orgs') }}
)

select
    staged.org_id,
    {{ roster_id('org', 'staged.sourced_id') }} as id,
    staged.sourced_id,
    staged.status,
    staged.date_last_modified,
    staged.name,
    staged.type,
    staged.identifier,
    {{ roster_id('org', 'staged.parent_sourced_id') }} as parent_id,
    staged.uncast,
    staged._load_id,
    staged._row,
    staged._line,
    staged._raw
from staged
