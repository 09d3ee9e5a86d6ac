{{ config(
    meta={'groups': ['session_id']},
    indexes=[
        {'columns': ['session_id']},
        {'columns': ['student_id', 'date']},
    ],
) }}
-- depends_on: {{ ref('marts__touched_student_journals') }}
select
    insight.tenant,
    insight.id,
    watched.user_id as student_id,
    watched.caliper_session_id as session_id,
    watched.application_id as learning_app_id,
    insight.reason as journal_text,
    {{ utc_date('insight.started_at_time') }} as date, -- noqa: RF04
    insight.started_at_time as timestamp -- noqa: RF04
from {{ newest_in_tenant(ref('timeback__insights_session')) }} as watched
{{ only_touched('watched', {'session_id': 'caliper_session_id'}) }}
inner join {{ newest_in_tenant(ref('timeback__insights_insight')) }} as insight
    on watched.id = insight.insights_session_id and {{ same_tenant('watched', 'insight') }}
inner join {{ newest_in_tenant(ref('timeback__insights_type')) }} as kind
    on insight.insight_type_id = kind.id and {{ same_tenant('insight', 'kind') }}
where
    watched.caliper_session_id is not null
    and watched.user_id is not null
    and watched.application_id is not null
    and insight.reason is not null
    and insight.started_at_time is not null
    and kind.slug = 'Journal'
    and kind.visibility = 'external'
