{#
  The sessions about which something has changed that insights, or journals, are made of: tenant, session_id. An insight
  that moved from one watched session to another touches both.
#}
{% macro touched_insight_sessions(mart, with_reviews) %}
with kinds as (
    select
        kind.tenant,
        kind.id
    from {{ changes_for(mart, ref('timeback__insights_type')) }} as kind
    {%- if with_reviews %}
    union
    select
        config.tenant,
        config.insight_type_id as id
    from {{ changes_for(mart, ref('timeback__insights_config')) }} as config
    {%- endif %}
),

watched as (
    select
        insight.tenant,
        insight.insights_session_id as id
    from {{ changes_for(mart, ref('timeback__insights_insight')) }} as insight
    union
    select
        insight.tenant,
        insight.insights_session_id as id
    from kinds
    inner join {{ newest_in_tenant(ref('timeback__insights_insight')) }} as insight
        on kinds.id = insight.insight_type_id and {{ same_tenant('kinds', 'insight') }}
    {%- if with_reviews %}
    union
    select
        insight.tenant,
        insight.insights_session_id as id
    from {{ changes_for(mart, ref('timeback__insights_review')) }} as review
    inner join {{ newest_in_tenant(ref('timeback__insights_insight')) }} as insight
        on review.insight_id = insight.id and {{ same_tenant('review', 'insight') }}
    {%- endif %}
)

select
    session.tenant,
    session.caliper_session_id as session_id
from {{ changes_for(mart, ref('timeback__insights_session')) }} as session -- noqa: RF04
where session.caliper_session_id is not null
union
select
    session.tenant,
    session.caliper_session_id as session_id
from watched
inner join {{ newest_in_tenant(ref('timeback__insights_session')) }} as session -- noqa: RF04
    on watched.id = session.id and {{ same_tenant('watched', 'session') }}
where session.caliper_session_id is not null
{% endmacro %}
