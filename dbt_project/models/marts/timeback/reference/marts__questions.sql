select
    question.tenant,
    question.id,
    {{ resource_title('question') }} as title,
    question.media_type as type -- noqa: RF04
from {{ newest_in_tenant(ref('timeback__caliper_assessment_item')) }} as question
