{#
  A package that would end more than a fifth of an org's active records of one file, and at least 20 of them, is held: it
  changes nothing until somebody approves these very loads. What it would do is reported all the same. The package after it
  is judged against the roster as it then is.
#}
{% macro judge_packages(files) -%}
{%- for file in files %}
insert into pg_temp.large_endings
select
  change.org_id, '{{ file.name }}', count(*),
  (
    select count(*) from {{ file.log }} as known
    where known.org_id = change.org_id and known._valid_to is null and known.status <> 'tobedeleted'
  )
from {{ file.changes }} as change
where change.kind = 'ended'
group by change.org_id
having count(*) >= 20;
{%- endfor %}

update pg_temp.day_packages as package
set is_held = true
where package.approval_id is null
  and exists (
    select from pg_temp.large_endings as large
    where large.org_id = package.org_id and large.ended > 0.2 * large.active_before
  );

{%- for file in files %}

insert into oneroster_log.sync_report
select
  day_file.org_id, this_day, day_file.table_name, day_file.file, day_file.mode, not package.is_held, day_file.rows_load_id,
  figures.delivered, figures.added, figures.changed, figures.ended, figures.returned,
  case
    when day_file.is_unchanged then figures.delivered
    when day_file.mode = 'delta' then figures.stayed
    else figures.delivered - figures.added - figures.changed - figures.returned
  end,
  figures.stale, day_file.rejected, large.active_before
from pg_temp.day_files as day_file
join pg_temp.day_packages as package on package.org_id = day_file.org_id
left join pg_temp.large_endings as large on large.org_id = day_file.org_id and large.table_name = day_file.table_name
left join (
  select
    org_id,
    count(*) filter (where kind = 'added') as added,
    count(*) filter (where kind = 'changed') as changed,
    count(*) filter (where kind = 'ended') as ended,
    count(*) filter (where kind = 'returned') as returned,
    count(*) filter (where kind = 'stayed') as stayed,
    count(*) filter (where kind = 'stale') as stale
  from {{ file.changes }}
  group by org_id
) as counted on counted.org_id = day_file.org_id
left join (
  select org_id, count(*) as delivered from {{ file.incoming }} group by org_id
) as delivery on delivery.org_id = day_file.org_id
cross join lateral (
  select
    case when day_file.is_unchanged then day_file.rows else coalesce(delivery.delivered, 0) end as delivered,
    coalesce(counted.added, 0) as added,
    coalesce(counted.changed, 0) as changed,
    coalesce(counted.ended, 0) as ended,
    coalesce(counted.returned, 0) as returned,
    coalesce(counted.stayed, 0) as stayed,
    coalesce(counted.stale, 0) as stale
) as figures
where day_file.table_name = '{{ file.name }}';
{%- endfor %}

insert into oneroster_log.packages (org_id, day, status, load_ids, approval_id)
select
  package.org_id, this_day,
  case
    when package.is_held then 'held'
    when exists (select from pg_temp.day_files as day_file where day_file.org_id = package.org_id) then 'applied'
    else 'no_updates'
  end,
  package.load_ids, package.approval_id
from pg_temp.day_packages as package;

if exists (select from pg_temp.day_packages where is_held) then
  {%- for file in files %}
  delete from {{ file.changes }} as change
  using pg_temp.day_packages as package
  where package.org_id = change.org_id and package.is_held;
  {%- endfor %}
end if;
{%- endmacro %}
