select
    resource.tenant,
    resource.id,
    {{ resource_title('resource') }} as title,
    resource.media_type
from {{ newest_in_tenant(ref('timeback__caliper_assignable_digital_resource')) }} as resource
