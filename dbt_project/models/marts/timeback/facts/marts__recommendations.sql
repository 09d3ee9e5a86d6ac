{{ config(
    meta={'groups': ['id']},
    indexes=[
        {'columns': ['id', 'tenant'], 'unique': true},
        {'columns': ['student_id', 'date']},
    ],
) }}
-- depends_on: {{ ref('marts__touched_recommendations') }}
select
    recommendation.tenant,
    recommendation.id,
    recommendation.user_id as student_id,
    recommendation.type,
    recommendation.source,
    recommendation.source_reference_id,
    recommendation.title,
    recommendation.visibility,
    recommendation.content,
    {{ utc_date('recommendation.generated_at') }} as date, -- noqa: RF04
    recommendation.generated_at,
    recommendation.delivered_at,
    recommendation.feedback_sentiment,
    recommendation.feedback_text,
    recommendation.feedback_at
from {{ newest_in_tenant(ref('timeback__insights_recommendation')) }} as recommendation
{{ only_touched('recommendation', {'id': 'id'}) }}
where
    recommendation.visibility = 'student'
    and recommendation.user_id is not null
    and recommendation.type is not null
    and recommendation.source is not null
    and recommendation.content is not null
    and recommendation.generated_at is not null
