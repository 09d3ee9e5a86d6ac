select distinct
    attachment.tenant,
    attachment.student_id,
    attachment.school_id,
    attachment.school_name,
    attachment.link_kind,
    attachment.begin_date,
    attachment.end_date
from {{ ref('marts__school_attachments') }} as attachment
-- without an end it would read as if it lasted
where attachment.end_date is not null or not attachment.has_ended
