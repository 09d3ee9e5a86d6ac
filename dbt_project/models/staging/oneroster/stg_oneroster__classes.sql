with staged as (
    {{ stage('oneroster', 'classes') }}
)

select
    staged.org_id,
    {{ roster_id('class', 'staged.sourced_id') }} as id,
    staged.sourced_id,
    staged.status,
    staged.date_last_modified,
    staged.title,
    staged.class_code,
    staged.grades,
    staged.subjects,
    staged.subject_codes,
    staged.class_type,
    staged.location,
    {{ roster_id('course', 'staged.course_sourced_id') }} as course_id,
    {{ roster_id('org', 'staged.school_sourced_id') }} as school_id,
    {{ roster_ids('academicSession', 'staged.term_sourced_ids') }} as term_ids,
    staged.periods,
    staged.uncast,
    staged._load_id,
    staged._row,
    staged._line,
    staged._raw
from staged
