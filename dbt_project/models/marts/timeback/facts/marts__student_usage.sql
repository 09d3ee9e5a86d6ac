{{ config(
    meta={'groups': ['student_id']},
    indexes=[
        {'columns': ['student_id', 'tenant'], 'unique': true},
    ],
) }}
-- depends_on: {{ ref('marts__touched_student_usage') }}
with seconds as (
    select
        session.tenant,
        session.student_id,
        session.duration_sec as app_time_sec,
        null::numeric as waste_time_sec
    from {{ ref('marts__sessions') }} as session -- noqa: RF04
    {{ only_touched('session', {'student_id': 'student_id'}) }}
    where session.student_id is not null and session.duration_sec is not null
    union all
    select
        insight.tenant,
        insight.session_user_id as student_id,
        null::numeric as app_time_sec,
        insight.duration_sec as waste_time_sec
    from {{ ref('marts__session_insights') }} as insight
    {{ only_touched('insight', {'student_id': 'session_user_id'}) }}
    where insight.session_user_id is not null and insight.is_waste
)

select
    seconds.tenant,
    seconds.student_id,
    coalesce(sum(seconds.app_time_sec), 0) as app_time_sec,
    coalesce(sum(seconds.waste_time_sec), 0) as waste_time_sec
from seconds
group by seconds.tenant, seconds.student_id
