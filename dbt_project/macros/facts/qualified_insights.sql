{#
  The insights of watched sessions that may be shown: of an external kind and of one of the categories that views show, visible
  themselves, and, where their kind wants it, confirmed by the latest review (one without a time is older than any other).
  Whether they have all that the views promise is not asked here, see `is_whole_insight`.

  Takes a relation of rows of timeback.insights_session with their tenant. A select, to stand in a CTE or in parentheses.
#}
{% macro qualified_insights(watched) %}
select
    insight.tenant,
    insight.org_id,
    insight.id,
    watched.caliper_session_id as session_id,
    kind.slug as insight_type,
    kind.category,
    coalesce(kind.is_waste, false) as is_waste,
    coalesce(watched.is_proctored, false) as is_proctored,
    insight.started_at_time,
    insight.ended_at_time,
    insight.reason as description
from {{ watched }} as watched
inner join {{ newest_in_tenant(ref('timeback__insights_insight')) }} as insight
    on watched.id = insight.insights_session_id and {{ same_tenant('watched', 'insight') }}
inner join {{ newest_in_tenant(ref('timeback__insights_type')) }} as kind
    on insight.insight_type_id = kind.id and {{ same_tenant('insight', 'kind') }}
left join {{ newest_in_tenant(ref('timeback__insights_config')) }} as config
    on insight.insight_type_id = config.insight_type_id and {{ same_tenant('insight', 'config') }}
where
    insight.is_visible
    and kind.visibility = 'external'
    and kind.category in ('Engagement', 'Proctoring', 'Cheating')
    and (
        not coalesce(config.requires_review, false)
        or 'TruePositive' = (
            select review.result
            from {{ newest_in_tenant(ref('timeback__insights_review')) }} as review
            where review.insight_id = insight.id and {{ same_tenant('review', 'insight') }}
            order by review.reviewed_at desc nulls last, review.id desc
            limit 1
        )
    )
{% endmacro %}

{# Whether an insight has everything that the views promise: a session, a kind, words, and a time that is in order. #}
{% macro is_whole_insight(insight) -%}
    coalesce({{ insight }}.ended_at_time >= {{ insight }}.started_at_time, false)
    and {{ insight }}.session_id is not null
    and {{ insight }}.insight_type is not null
    and {{ insight }}.description is not null
{%- endmacro %}
