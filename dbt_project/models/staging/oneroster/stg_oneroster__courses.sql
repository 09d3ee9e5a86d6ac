with staged as (
    {{ stage('oneroster', 'courses') }}
)

select
    staged.org_id,
    {{ roster_id('course', 'staged.sourced_id') }} as id,
    staged.sourced_id,
    staged.status,
    staged.date_last_modified,
    staged.title,
    staged.course_code,
    staged.grades,
    staged.subjects,
    staged.subject_codes,
    {{ roster_id('org', 'staged.org_sourced_id') }} as organization_id,
    {{ roster_id('academicSession', 'staged.school_year_sourced_id') }} as school_year_id,
    staged.uncast,
    staged._load_id,
    staged._row,
    staged._line,
    staged._raw
from staged
