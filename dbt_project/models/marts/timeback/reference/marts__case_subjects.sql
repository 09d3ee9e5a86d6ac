select
    subject.tenant,
    subject.identifier as id,
    subject.title,
    subject.hierarchy_code,
    subject.description
from {{ newest_in_tenant(ref('timeback__cf_subject')) }} as subject
where subject.title is not null and subject.hierarchy_code is not null
