{#
  The people whose roles or relations may be others after this_day: those that the day's packages changed, and where the
  first roles.csv of an org has come, all with a role from users.csv; also those of whom a role of roles.csv began or ended
  since the org's last package. changed_at is when their change was made: what a delta row
  says, else the start of the day.
#}
{% macro people_touched(files) -%}
{%- set users = files | selectattr('name', 'equalto', 'users') | first -%}
{%- set roles = files | selectattr('name', 'equalto', 'roles') | first -%}
truncate pg_temp.touched_people, pg_temp.role_sources;

insert into pg_temp.role_sources
select
  package.org_id,
  (
    select min(report.day) from oneroster_log.sync_report as report
    where report.org_id = package.org_id and report.table_name = 'users' and report.applied
  ),
  (
    select min(report.day) from oneroster_log.sync_report as report
    where report.org_id = package.org_id and report.table_name = 'roles' and report.applied
  )
from pg_temp.day_packages as package
where not package.is_held
  and exists (select from pg_temp.day_files as day_file where day_file.org_id = package.org_id);

insert into pg_temp.touched_people
select org_id, id, max(changed_at)
from (
  select
    change.org_id, change.id,
    case when change.mode = 'delta' then change.date_last_modified else this_day::timestamptz end as changed_at
  from {{ users.changes }} as change
  where change.kind <> 'stale'
  union all
  select change.org_id, change.user_id, null
  from {{ roles.changes }} as change
  where change.kind <> 'stale'
  union all
  select role.org_id, role.user_id, null  -- whose role it was until today
  from {{ roles.changes }} as change
  join oneroster_log.one_roster_role as role
    on role.org_id = change.org_id and role.id = change.id and role._valid_to is null
  where change.kind <> 'stale'
  union all
  select role.org_id, role.user_id, null
  from pg_temp.role_sources as source
  join oneroster_log.one_roster_role as role on role.org_id = source.org_id and role._valid_to is null
  where source.first_roles_day = this_day
  union all
  select role.org_id, role.user_id, null
  from pg_temp.role_sources as source
  cross join lateral (
    select max(package.day) as day from oneroster_log.packages as package
    where package.org_id = source.org_id and package.status = 'applied' and package.day < this_day
  ) as last_package
  join oneroster_log.one_roster_role as role on role.org_id = source.org_id and role._valid_to is null
  where source.first_roles_day < this_day
    and ((role.begin_date > last_package.day and role.begin_date <= this_day)
      or (role.end_date > last_package.day and role.end_date <= this_day))
) as touched
group by org_id, id;
analyze pg_temp.touched_people, pg_temp.role_sources;
{%- endmacro %}

{#
  Version 1.1: one role per organization of a person (users.csv); it begins on the day on which it first appeared, with no begin
  where it was there in the org's first users.csv, and ends on the day on which it is gone. Version 1.2: as roles.csv says; a
  blank begin follows the same rule. In both a person who has ended has no open role. From the first roles.csv of an org
  on, the roles of users.csv are over.
#}
{% macro role_changes() -%}
truncate pg_temp.changed_role_rows;

insert into pg_temp.changed_role_rows (kind, org_id, id, sourced_id, status, date_last_modified,
  user_id, organization_id, role, role_type, begin_date, end_date, _first_day)
with listed as (
  select distinct on (person.org_id, person.id, item.org_sourced_id)
    person.org_id,
    person.sourced_id || '|' || item.org_sourced_id || '|' || person._role as sourced_id,
    person.id as user_id,
    {{ roster_id('org', 'item.org_sourced_id', 'person') }} as organization_id,
    person._role as role,
    case when item.position = 1 then 'primary' else 'secondary' end as role_type
  from pg_temp.touched_people as touched
  join pg_temp.role_sources as source on source.org_id = touched.org_id and source.first_roles_day is null
  join oneroster_log.one_roster_user as person
    on person.org_id = touched.org_id and person.id = touched.id and person._valid_to is null
  cross join lateral unnest(person._org_sourced_ids) with ordinality as item (org_sourced_id, position)
  where person.status <> 'tobedeleted' and person._role is not null
  order by person.org_id, person.id, item.org_sourced_id, item.position
),
true_now as (
  select distinct on (org_id, id) *
  from (select listed.*, md5(listed.org_id || '|role|' || listed.sourced_id)::uuid as id from listed) as identified
  order by org_id, id, role_type
),
known as (
  select role.*, touched.changed_at
  from pg_temp.touched_people as touched
  join oneroster_log.one_roster_role as role
    on role.org_id = touched.org_id and role.user_id = touched.id and role._valid_to is null
  where not exists (
    select from oneroster_log.delivered_role as delivered
    where delivered.org_id = role.org_id and delivered.id = role.id and delivered._valid_to is null
  )
)
select
  case when known.id is null then 'added' when true_now.id is null then 'ended' else 'changed' end,
  coalesce(true_now.org_id, known.org_id), coalesce(true_now.id, known.id),
  coalesce(true_now.sourced_id, known.sourced_id),
  case when true_now.id is null then 'tobedeleted' else 'active' end,
  coalesce(known.changed_at, touched.changed_at, this_day::timestamptz),
  coalesce(true_now.user_id, known.user_id), coalesce(true_now.organization_id, known.organization_id),
  coalesce(true_now.role, known.role), coalesce(true_now.role_type, known.role_type),
  case when known.id is null then first_day.day else known.begin_date end,
  case when true_now.id is null then this_day end,
  case when known.id is null then first_day.day else known._first_day end
from true_now
full join known on known.org_id = true_now.org_id and known.id = true_now.id
left join pg_temp.touched_people as touched on touched.org_id = true_now.org_id and touched.id = true_now.user_id
left join pg_temp.role_sources as source on source.org_id = true_now.org_id
cross join lateral (select nullif(this_day, source.first_users_day) as day) as first_day
where (true_now.id is null and known.status <> 'tobedeleted')
  or (true_now.id is not null
    and (known.status, known.role_type) is distinct from ('active', true_now.role_type));

insert into pg_temp.changed_role_rows (kind, org_id, id, sourced_id, status, date_last_modified,
  user_id, organization_id, role, role_type, begin_date, end_date, _first_day)
select
  case when known.id is null then 'added' else 'changed' end,
  delivered.org_id, delivered.id, delivered.sourced_id, now_true.status, now_true.date_last_modified,
  delivered.user_id, delivered.organization_id, delivered.role, delivered.role_type,
  now_true.begin_date, now_true.end_date, now_true.first_day
from pg_temp.touched_people as touched
join pg_temp.role_sources as source on source.org_id = touched.org_id and source.first_roles_day is not null
join oneroster_log.delivered_role as delivered
  on delivered.org_id = touched.org_id and delivered.user_id = touched.id and delivered._valid_to is null
left join oneroster_log.one_roster_user as person
  on person.org_id = delivered.org_id and person.id = delivered.user_id and person._valid_to is null
left join oneroster_log.one_roster_role as known
  on known.org_id = delivered.org_id and known.id = delivered.id and known._valid_to is null
cross join lateral (
  select
    case when person.status = 'tobedeleted' then 'tobedeleted' else delivered.status end as status,
    case when known.id is null then nullif(this_day, source.first_roles_day) else known._first_day end as first_day
) as rule
cross join lateral (
  select
    rule.status,
    case
      when delivered._valid_from = this_day then delivered.date_last_modified
      when known.status is not distinct from rule.status then known.date_last_modified
      else coalesce(touched.changed_at, this_day::timestamptz)
    end as date_last_modified,
    coalesce(delivered.begin_date, rule.first_day) as begin_date,
    case
      when rule.status = 'tobedeleted'
        then coalesce(delivered.end_date, case when known.status = 'tobedeleted' then known.end_date end, this_day)
      else delivered.end_date
    end as end_date,
    rule.first_day
) as now_true
where delivered._valid_from = this_day  -- touched, whether or not it says anything new
  or (known.sourced_id, known.status, known.date_last_modified, known.user_id, known.organization_id, known.role,
    known.role_type, known.begin_date, known.end_date)
  is distinct from (delivered.sourced_id, now_true.status, now_true.date_last_modified, delivered.user_id,
    delivered.organization_id, delivered.role, delivered.role_type, now_true.begin_date, now_true.end_date);
{%- endmacro %}
