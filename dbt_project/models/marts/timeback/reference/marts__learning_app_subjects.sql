select
    taught.tenant,
    taught.lti_application_id as learning_app_id,
    taught.subject_title
from {{ newest_in_tenant(ref('timeback__lti_application_subject')) }} as taught
