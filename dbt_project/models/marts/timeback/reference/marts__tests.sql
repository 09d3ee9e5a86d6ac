select
    test.tenant,
    test.id,
    {{ resource_title('test') }} as title
from {{ newest_in_tenant(ref('timeback__caliper_assessment')) }} as test
