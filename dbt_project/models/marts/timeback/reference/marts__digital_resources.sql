select
    material.tenant,
    material.id,
    {{ resource_title('material') }} as title,
    material.media_type
from {{ newest_in_tenant(ref('timeback__caliper_assignable_digital_resource')) }} as material
