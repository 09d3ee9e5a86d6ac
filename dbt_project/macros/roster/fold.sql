{#
  The body of oneroster__packages: folds the packages of pg_temp.package_loads into the versions, day by day, all orgs of
  a day at once. The rules stand in words in models/reconciled/oneroster/oneroster.md. For each day:
    1. every file: the delivered rows, and what they change          (fold_file.sql)
    2. packages that would end too many records are held             (fold_judgement.sql)
    3. the changes of the others become versions
    4. roles and agents follow from the people that changed          (fold_roles.sql, fold_agents.sql)
  The argument names the staging models for dbt.
#}
{% macro fold_packages(staged) %}
{%- if execute -%} {{ fold_sql() }} {%- else -%} select 1 as nothing {%- endif -%}
{% endmacro %}

{% macro fold_sql() %}
{%- set files = roster_files() -%}
{%- set derived = derived_roster_tables() -%}
create temp table day_files (
  org_id text, table_name text, file text, load_id bigint, rows_load_id bigint, mode text, rows bigint, rejected bigint,
  is_unchanged boolean
) on commit drop;
create temp table day_packages (org_id text, load_ids bigint[], approval_id bigint, is_held boolean) on commit drop;
create temp table large_endings (org_id text, table_name text, ended bigint, active_before bigint) on commit drop;
create temp table kept_keys (table_name text, org_id text, id uuid) on commit drop;
create temp table touched_people (org_id text, id uuid, changed_at timestamptz) on commit drop;
create temp table role_sources (org_id text, first_users_day date, first_roles_day date) on commit drop;
{%- for file in files %}
create temp table incoming_{{ file.name }} on commit drop as
select
  null::text as mode, null::bigint as _load_id, null::integer as _row, null::text[] as uncast,
  {{ column_list(version_columns(file)) }}
from {{ file.log }}
limit 0;
{%- endfor %}
{%- for table in files + derived %}
create temp table {{ table.changes.split('.')[1] }} on commit drop as
select null::text as kind, null::text as mode, {{ column_list(version_columns(table)) }} from {{ table.log }} limit 0;
{%- endfor %}

do $fold$
declare
  this_day date;
  row_loads bigint[];
  delta_loads bigint[];
  changed_rows bigint;
begin
  for this_day in select distinct day from pg_temp.package_loads order by day loop
    {{ files_of_the_day() | indent(4) }}
    {%- for file in files %}
    {{ changes_of_file(file) | indent(4) }}
    {%- endfor %}
    {{ judge_packages(files) | indent(4) }}
    {%- for file in files %}
    {{ write_versions(file) | indent(4) }}
    {%- endfor %}
    {{ people_touched(files) | indent(4) }}
    if exists (select from pg_temp.touched_people) then
      {{ role_changes() | indent(6) }}
      {{ write_versions(derived[0]) | indent(6) }}
      {{ agent_changes() | indent(6) }}
      {{ write_versions(derived[1]) | indent(6) }}
    end if;
  end loop;
  {%- for table in files + derived %}
  {{ index_if_fresh(table) | indent(2) }}
  {%- endfor %}
  {%- for relation in (files + derived) | map(attribute='log') | list + ['oneroster_log.packages', 'oneroster_log.sync_report', 'ops.orgs'] %}
  {{ analyze_if_outgrown(relation) | indent(2) }}
  {%- endfor %}
end
$fold$
{% endmacro %}

{#
  The files of this_day's packages. A full file with the very rows of the org's last applied one changes nothing: its
  rows are not read again.
#}
{% macro files_of_the_day() -%}
truncate pg_temp.day_files, pg_temp.day_packages, pg_temp.large_endings, pg_temp.kept_keys;

insert into pg_temp.day_files
select
  loads.org_id, loads.table_name, loads.file, loads.load_id, loads.rows_load_id, loads.mode, loads.rows, loads.quarantined,
  coalesce(loads.mode = 'bulk' and last_applied.mode = 'bulk' and last_applied.rows_load_id = loads.rows_load_id, false)
from pg_temp.package_loads as loads
left join lateral (
  select report.mode, report.rows_load_id
  from oneroster_log.sync_report as report
  where report.org_id = loads.org_id and report.table_name = loads.table_name and report.applied
  order by report.day desc
  limit 1
) as last_applied on true
where loads.day = this_day and loads.mode is not null;

insert into pg_temp.day_packages
select loads.org_id, array_agg(loads.load_id order by loads.load_id), null, false
from pg_temp.package_loads as loads
where loads.day = this_day
group by loads.org_id;

analyze pg_temp.day_files, pg_temp.day_packages;

update pg_temp.day_packages as package
set approval_id = (
  select max(approvals.approval_id) from ops.approvals
  where approvals.feed = 'oneroster' and approvals.org_id = package.org_id and approvals.day = this_day
    and approvals.load_ids = package.load_ids
);
{%- endmacro %}
