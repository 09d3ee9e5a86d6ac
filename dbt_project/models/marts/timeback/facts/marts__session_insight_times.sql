{{ config(
    meta={'groups': ['session_id']},
    indexes=[
        {'columns': ['session_id', 'tenant'], 'unique': true},
        {'columns': ['session_user_id']},
    ],
) }}
-- depends_on: {{ ref('marts__touched_session_insight_times') }}
with times as (
    select
        insight.tenant,
        insight.session_id,
        (array_agg(insight.session_user_id))[1] as session_user_id,
        round(
            sum(extract(epoch from (insight.ended_at_time - insight.started_at_time)))
            filter (where insight.is_waste)
        ) as waste_duration_sec,
        round(
            {{ covered_seconds('insight.started_at_time', 'insight.ended_at_time', "insight.category = 'Cheating'") }}
        ) as cheating_duration_sec,
        round(
            {{ covered_seconds(
                'insight.started_at_time',
                'insight.ended_at_time',
                "insight.category = 'Proctoring' and insight.is_proctored"
            ) }}
        ) as proctoring_duration_sec
    from {{ ref('marts__session_insights') }} as insight
    {{ only_touched('insight', {'session_id': 'session_id'}) }}
    group by insight.tenant, insight.session_id
)

-- no time is no row, and no more is a time of none
select
    times.tenant,
    times.session_id,
    times.session_user_id,
    nullif(times.waste_duration_sec, 0) as waste_duration_sec,
    nullif(times.cheating_duration_sec, 0) as cheating_duration_sec,
    nullif(times.proctoring_duration_sec, 0) as proctoring_duration_sec
from times
where greatest(times.waste_duration_sec, times.cheating_duration_sec, times.proctoring_duration_sec) > 0
