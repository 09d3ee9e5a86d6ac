select
    application.tenant,
    application.id,
    application.name
from {{ newest_in_tenant(ref('timeback__lti_application')) }} as application
where application.name is not null
