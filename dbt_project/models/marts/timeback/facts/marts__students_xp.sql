{{ config(
    meta={'groups': ['student_id', 'xp_day']},
    indexes=[
        {'columns': ['student_id', 'xp_day']},
    ],
) }}
-- depends_on: {{ ref('marts__touched_students_xp') }}
select
    entry.tenant,
    entry.user_id as student_id,
    entry.application_id as learning_app_id,
    event.session_id,
    {{ utc_date('entry.date_created') }} as date, -- noqa: RF04
    sum(entry.value) as total_value,
    {{ xp_day('entry.date_created') }} as xp_day
from {{ newest_in_tenant(ref('timeback__tb_xp_ledger')) }} as entry
{{ only_touched('entry', {'student_id': 'user_id'}) }}
{{- ' and ' ~ xp_day('entry.date_created') ~ ' = touched.xp_day' if not begins_anew() }}
left join {{ newest_in_tenant(ref('timeback__caliper_event')) }} as event -- noqa: RF04
    on entry.caliper_event_id = event.id and {{ same_tenant('entry', 'event') }}
where entry.user_id is not null and entry.application_id is not null and entry.value is not null
group by
    entry.tenant,
    entry.user_id,
    entry.application_id,
    event.session_id,
    {{ utc_date('entry.date_created') }},
    {{ xp_day('entry.date_created') }}
