{#
  Runs in the fold's transaction, before it. At one snapshot of the ledger it leaves in pg_temp:
    affected_orgs   orgs whose roster is to be folded again, and from which day: the earliest day of a load that was not
                    applied, of one that is no longer current, or of a held package that was approved since
    package_loads   the current loads of those orgs from that day on
  and takes the versions of those orgs back to what they were before that day: packages take effect in the order of
  their days, whatever the order in which they come.
#}
{% macro take_pending_packages() %}
{%- if execute -%}
begin isolation level repeatable read;
set local work_mem = '128MB';
set local maintenance_work_mem = '256MB';

{{ create_roster_log(fold_logic()) }}

create temp table pending_loads on commit drop as
select loads.load_id, loads.org_id, loads.day
from ops.load_log as loads
where loads.feed = 'oneroster' and loads.status = 'current' and loads.table_name is not null
  and not exists (select from ops.applied where applied.model = '{{ model.name }}' and applied.load_id = loads.load_id);

create temp table retired_loads on commit drop as
select loads.load_id, loads.org_id, loads.day
from ops.applied
join ops.load_log as loads on loads.load_id = applied.load_id
where applied.model = '{{ model.name }}' and loads.status = 'superseded';

create temp table affected_orgs on commit drop as
select org_id, min(day) as from_day
from (
  select org_id, day from pg_temp.pending_loads
  union all
  select org_id, day from pg_temp.retired_loads
  union all
  select held.org_id, held.day
  from oneroster_log.packages as held
  join ops.approvals
    on approvals.feed = 'oneroster' and approvals.org_id = held.org_id and approvals.day = held.day
    and approvals.load_ids = held.load_ids
  where held.status = 'held'
) as affected
group by org_id;

create temp table package_loads on commit drop as
select
  loads.load_id, coalesce(loads.rows_load_id, loads.load_id) as rows_load_id,
  loads.org_id, loads.day, loads.file, loads.table_name, loads.mode, loads.rows, loads.quarantined
from pg_temp.affected_orgs as affected
join ops.load_log as loads
  on loads.feed = 'oneroster' and loads.org_id = affected.org_id and loads.day >= affected.from_day
where loads.status = 'current' and loads.table_name is not null;

analyze pg_temp.package_loads;

do $$
begin
  if exists (
    select from oneroster_log.packages as folded
    join pg_temp.affected_orgs as affected on affected.org_id = folded.org_id and folded.day >= affected.from_day
  ) then
    {%- for table in roster_files() + derived_roster_tables() %}
    delete from {{ table.log }} as version using pg_temp.affected_orgs as affected
    where version.org_id = affected.org_id and version._valid_from >= affected.from_day;
    update {{ table.log }} as version set _valid_to = null from pg_temp.affected_orgs as affected
    where version.org_id = affected.org_id and version._valid_to >= affected.from_day;
    {%- endfor %}
    delete from oneroster_log.sync_report as report using pg_temp.affected_orgs as affected
    where report.org_id = affected.org_id and report.day >= affected.from_day;
    delete from oneroster_log.packages as package using pg_temp.affected_orgs as affected
    where package.org_id = affected.org_id and package.day >= affected.from_day;
  end if;
end $$;
{%- endif -%}
{% endmacro %}

{# Ends the fold's work: what was applied and retired is recorded beside the versions it made. #}
{% macro record_folded_packages() %}
{%- if execute -%}
insert into ops.applied (model, load_id, logic_version)
select '{{ model.name }}', load_id, '{{ fold_logic() }}' from pg_temp.pending_loads;

delete from ops.applied
where model = '{{ model.name }}' and load_id in (select load_id from pg_temp.retired_loads);
{%- endif -%}
{% endmacro %}

{# Changes whenever what the fold makes of the loads changes: its SQL, the casts and ids of the staging views. #}
{% macro fold_logic() -%}
  {%- set parts = [fold_sql(), roster_id('type', 'sourced_id')] -%}
  {%- for file in roster_files() -%}
    {%- for column in file_contract('oneroster', file.name).columns -%}{%- do parts.append(staged_value(column)) -%}{%- endfor -%}
  {%- endfor -%}
  {{ local_md5(parts | join('\n')) }}
{%- endmacro %}

{# One transaction: what is pending (hooks), the fold (the model's body), what was applied (hooks). #}
{% materialization roster_fold, adapter='postgres' %}
  {{ run_hooks(pre_hooks, inside_transaction=False) }}
  {{ run_hooks(pre_hooks, inside_transaction=True) }}
  {% call statement('main') %}
    {{ sql }}
  {% endcall %}
  {% call statement('shown') %}
    {{ replace_view_sql(this, 'select org_id, day, status, load_ids, approval_id from oneroster_log.packages', []) }}
  {% endcall %}
  {{ run_hooks(post_hooks, inside_transaction=True) }}
  {{ adapter.commit() }}
  {{ run_hooks(post_hooks, inside_transaction=False) }}
  {% do return({'relations': [this.incorporate(type='view')]}) %}
{% endmaterialization %}
