with staged as (
    {{ stage('oneroster', 'academic_sessions') }}
)

select
    staged.org_id,
    {{ roster_id('academicSession', 'staged.sourced_id') }} as id,
    staged.sourced_id,
    staged.status,
    staged.date_last_modified,
    staged.title,
    staged.type,
    staged.start_date,
    staged.end_date,
    {{ roster_id('academicSession', 'staged.parent_sourced_id') }} as parent_id,
    staged.school_year,
    staged.uncast,
    staged._load_id,
    staged._row,
    staged._line,
    staged._raw
from staged
