-- Points are of the session of the event that earned them, however late the event comes.
select
    entry.tenant,
    entry.user_id as student_id,
    {{ xp_day('entry.date_created') }} as xp_day
from {{ changes_for('marts__students_xp', ref('timeback__tb_xp_ledger')) }} as entry
where entry.user_id is not null
union
select
    entry.tenant,
    entry.user_id as student_id,
    {{ xp_day('entry.date_created') }} as xp_day
from {{ changes_for('marts__students_xp', ref('timeback__caliper_event')) }} as event -- noqa: RF04
inner join {{ newest_in_tenant(ref('timeback__tb_xp_ledger')) }} as entry
    on event.id = entry.caliper_event_id and {{ same_tenant('event', 'entry') }}
where entry.user_id is not null
