{#
  The newest complete snapshot of each org becomes what offboarding.<table> shows, in one transaction:
    1. pending and retired loads name the orgs concerned; ops.snapshot_deliveries says which day of theirs counts
    2. a table whose files are, byte for byte, those that are stored already is left alone
    3. of the others, rows are compared by what they say (snapshot_hash): gone ones leave offboarding_log.<table>, new ones
       are cast and stored or set aside; an unchanged row is not written, so that a second delivery costs what it changes
  Older snapshots stay in the raw log; <table>_as_of(day) and <table>_history read it. Another contract or another
  meaning of its values (snapshot_logic), and everything is stored anew.
#}
{% macro take_pending_snapshots() %}
{%- if execute -%}
begin isolation level repeatable read;
set local work_mem = '128MB';
set local maintenance_work_mem = '256MB';

create table if not exists offboarding_log.stored_files (
  org_id text not null, table_name text not null, file text not null, sha256 text not null, load_id bigint not null
);

create temp table fold_run on commit drop as
select obj_description('offboarding_log.stored_files'::regclass, 'pg_class') is distinct from '{{ snapshot_logic() }}' as begins_anew;

delete from offboarding_log.stored_files where (select begins_anew from pg_temp.fold_run);

create temp table pending_loads on commit drop as
select loads.load_id, loads.org_id
from ops.load_log as loads
where loads.feed = 'offboarding' and loads.status = 'current' and loads.table_name is not null
  and not exists (select from ops.applied where applied.model = '{{ model.name }}' and applied.load_id = loads.load_id);

create temp table retired_loads on commit drop as
select loads.load_id, loads.org_id
from ops.applied
join ops.load_log as loads on loads.load_id = applied.load_id
where applied.model = '{{ model.name }}' and loads.status = 'superseded';

create temp table affected_orgs on commit drop as
select org_id from pg_temp.pending_loads
union
select org_id from pg_temp.retired_loads
union
select distinct org_id from ops.load_log
where feed = 'offboarding' and status = 'current' and (select begins_anew from pg_temp.fold_run);

create temp table affected_deliveries on commit drop as
select
  delivery.*,
  delivery.is_complete and delivery.day = max(delivery.day) filter (where delivery.is_complete) over (partition by delivery.org_id) as is_current,
  lead(delivery.day) over (partition by delivery.org_id, delivery.is_complete order by delivery.day) as next_day
from ops.snapshot_deliveries as delivery
where delivery.feed = 'offboarding' and delivery.org_id in (select org_id from pg_temp.affected_orgs);

create temp table next_loads on commit drop as
select
  loads.load_id, loads.org_id, loads.table_name, loads.file, loads.sha256, {{ level_of_file('loads.file') }} as level
from pg_temp.affected_deliveries as delivery
join ops.load_log as loads
  on loads.feed = delivery.feed and loads.org_id = delivery.org_id and loads.day = delivery.day
where delivery.is_current and loads.status = 'current' and loads.table_name is not null;

create temp table changed_tables on commit drop as
select distinct org_id, table_name
from (
  (
    select org_id, table_name, file, sha256 from pg_temp.next_loads
    except select org_id, table_name, file, sha256 from offboarding_log.stored_files
  )
  union all
  (
    select org_id, table_name, file, sha256 from offboarding_log.stored_files
    where org_id in (select org_id from pg_temp.affected_orgs)
    except select org_id, table_name, file, sha256 from pg_temp.next_loads
  )
) as differing;
{%- endif -%}
{% endmacro %}

{# Stores what changed of one table; see above. `fresh`: nothing is stored of the orgs concerned. #}
{% macro fold_snapshot_table(table, fresh) %}
{%- set stored = 'offboarding_log.' ~ table.name -%}
{%- set rows = 'raw_offboarding.' ~ table.name if fresh else 'pg_temp.chosen_rows' -%}
drop table if exists pg_temp.orgs_of_table, pg_temp.chosen, pg_temp.differing, pg_temp.chosen_rows;

create temp table orgs_of_table on commit drop as
select org_id from pg_temp.changed_tables where table_name = '{{ table.name }}';

{% if fresh -%}
create temp table chosen on commit drop as
{{ incoming_snapshot_rows(table, 'raw._load_id, raw._row') }};
{%- else -%}
create temp table differing on commit drop as
select
  org_id, _id, _hash,
  sum(copies)::integer as surplus,
  count(raw_at) as delivered, max(raw_at) as raw_at, max(stored_at) as stored_at
from (
  select incoming.*, null::tid as stored_at, 1 as copies from ({{ incoming_snapshot_rows(table) }}) as incoming
  union all
  select org_id, _id, null as raw_at, _hash, ctid as stored_at, -1 as copies
  from {{ stored }} where org_id in (select org_id from pg_temp.orgs_of_table)
) as compared
group by org_id, _id, _hash
having sum(copies) <> 0;

analyze pg_temp.differing;

-- where a row stands is known already if it is there once; only of others every copy is looked for
delete from {{ stored }} as stored
using (
  select stored_at as at from pg_temp.differing where surplus = -1 and delivered = 0
  union all
  select copy.at
  from (
    select
      kept.ctid as at, differing.surplus,
      row_number() over (partition by kept.org_id, kept._id, kept._hash) as number
    from {{ stored }} as kept
    join pg_temp.differing as differing
      on differing.org_id = kept.org_id and differing._id = kept._id and differing._hash = kept._hash
    where differing.surplus < 0 and (differing.surplus < -1 or differing.delivered > 0)
  ) as copy
  where copy.number <= -copy.surplus
) as gone
where stored.ctid = gone.at;

-- beside the log, or every one of its rows would be looked at for doubts
create temp table chosen_rows on commit drop as
select raw.*, known._hash as _hash
from pg_temp.differing as known
join raw_offboarding.{{ table.name }} as raw on raw.ctid = known.raw_at
where known.surplus > 0 and known.delivered = 1
union all
select raw.*, copy._hash as _hash
from (
  select
    incoming.*, differing.surplus,
    row_number() over (partition by incoming.org_id, incoming._id, incoming._hash) as number
  from ({{ incoming_snapshot_rows(table) }}) as incoming
  join pg_temp.differing as differing
    on differing.org_id = incoming.org_id and differing._id is not distinct from incoming._id
    and differing._hash = incoming._hash
  where differing.surplus > 0 and differing.delivered > 1
) as copy
join raw_offboarding.{{ table.name }} as raw on raw.ctid = copy.raw_at
where copy.number <= copy.surplus;

analyze pg_temp.chosen_rows;

create temp table chosen on commit drop as
select org_id, _id, _load_id, _row, _hash
from pg_temp.chosen_rows;
{%- endif %}

analyze pg_temp.chosen;

insert into {{ stored }} (org_id, _hash{{ ', level' if table.level }}{% for column in table.columns %}, {{ adapter.quote(column.name) }}{% endfor %})
select
  raw.org_id,
  chosen._hash,
  {%- if table.level %}
  loads.level,
  {%- endif %}
  {%- for column in table.columns %}
  {{ snapshot_value(column) }}{{ ',' if not loop.last }}
  {%- endfor %}
from pg_temp.chosen as chosen
join {{ rows }} as raw on raw._load_id = chosen._load_id and raw._row = chosen._row
join pg_temp.next_loads as loads on loads.load_id = chosen._load_id
where raw._load_id = any (array(select load_id from pg_temp.next_loads where table_name = '{{ table.name }}'))
  and {{ snapshot_doubts(table) }} = '{}';

delete from ops.quarantine
where model = '{{ model.name }}'
  and load_id in (
    select load_id from pg_temp.next_loads
    where table_name = '{{ table.name }}' and org_id in (select org_id from pg_temp.orgs_of_table)
  );

insert into ops.quarantine (load_id, line, column_name, reason, raw_line, model)
select
  raw._load_id,
  raw._line,
  array_to_string(judged.doubts, ', '),
  case
    when raw._id is null then 'key is empty'
    when false {%- for column in indexed_columns(table) %} or {{ too_long_for_index(column) }}{% endfor %}
      then 'key is longer than {{ max_key_bytes() }} bytes'
    else 'value does not cast to the type of the column'
  end,
  {{ record_as_delivered('to_jsonb(raw.*)', 'load_log') }},
  '{{ model.name }}'
from pg_temp.chosen as chosen
join {{ rows }} as raw on raw._load_id = chosen._load_id and raw._row = chosen._row
join ops.load_log as load_log on load_log.load_id = chosen._load_id
cross join lateral (select {{ snapshot_doubts(table) }} as doubts) as judged
where raw._load_id = any (array(select load_id from pg_temp.next_loads where table_name = '{{ table.name }}'))
  and judged.doubts <> '{}';

do $$ begin {{ analyze_if_outgrown(stored) }} end $$;
{% endmacro %}

{# The rows of a table that are to be stored: where each stands in the log, and what it says as one number. #}
{% macro incoming_snapshot_rows(table, place='raw.ctid as raw_at') -%}
select raw.org_id, raw._id, {{ place }}, {{ snapshot_hash(table) }} as _hash
from pg_temp.next_loads as loads
join raw_offboarding.{{ table.name }} as raw on raw._load_id = loads.load_id
where loads.table_name = '{{ table.name }}' and loads.org_id in (select org_id from pg_temp.orgs_of_table)
  -- an array, so that the block-range index is used
  and raw._load_id = any (array(select load_id from pg_temp.next_loads where table_name = '{{ table.name }}'))
{%- endmacro %}

{# Ends the fold: which days there are, what is stored, and what was applied and retired. #}
{% macro record_folded_snapshots() %}
{%- if execute -%}
-- the same bytes have the same rows set aside
insert into ops.quarantine (load_id, line, column_name, reason, raw_line, model)
select next.load_id, aside.line, aside.column_name, aside.reason, aside.raw_line, aside.model
from pg_temp.next_loads as next
join offboarding_log.stored_files as stored
  on stored.org_id = next.org_id and stored.table_name = next.table_name and stored.file = next.file
join ops.quarantine as aside on aside.load_id = stored.load_id and aside.model = '{{ model.name }}'
where next.load_id <> stored.load_id
  and not exists (
    select from pg_temp.changed_tables as changed
    where changed.org_id = next.org_id and changed.table_name = next.table_name
  )
  and not exists (select from ops.quarantine as known where known.load_id = next.load_id and known.model = '{{ model.name }}');

delete from offboarding_log.stored_files where org_id in (select org_id from pg_temp.affected_orgs);

insert into offboarding_log.stored_files (org_id, table_name, file, sha256, load_id)
select org_id, table_name, file, sha256, load_id from pg_temp.next_loads;

delete from {{ this }} where org_id in (select org_id from pg_temp.affected_orgs);

insert into {{ this }} ({{ column_list(model.columns.keys()) }})
select
  org_id, day, is_complete, is_current,
  case when is_complete then day end as valid_from,
  case when is_complete then next_day end as valid_to,
  missing_groups, missing_tables, unlisted_files
from pg_temp.affected_deliveries;

insert into ops.applied (model, load_id, logic_version)
select '{{ model.name }}', load_id, null from pg_temp.pending_loads;

delete from ops.applied
where model = '{{ model.name }}' and load_id in (select load_id from pg_temp.retired_loads);
{%- endif -%}
{% endmacro %}

{#
  One transaction: what is pending (hooks), tables and views that are not as the contract and the deliveries ask for, the
  tables that changed, what was applied (hooks).
#}
{% materialization snapshot_fold, adapter='postgres' %}
  {{ run_hooks(pre_hooks, inside_transaction=False) }}
  {{ run_hooks(pre_hooks, inside_transaction=True) }}
  {% call statement('main') %}
    {{ sql }}
  {% endcall %}
  {%- set tables = snapshot_tables(raw_columns_of_snapshots()) -%}
  {%- do keep_snapshot_relations(tables, run_query('select begins_anew from pg_temp.fold_run').rows[0][0]) -%}
  {%- set changed = run_query('select distinct table_name from pg_temp.changed_tables order by 1').columns[0].values() | list -%}
  {%- for table in tables if table.name in changed -%}
    {%- set fresh = run_query(
      'select not exists (select from offboarding_log.' ~ table.name ~ ' as stored join pg_temp.changed_tables as changed'
      ~ " on changed.org_id = stored.org_id where changed.table_name = '" ~ table.name ~ "')"
    ).rows[0][0] -%}
    {%- do run_query(fold_snapshot_table(table, fresh)) -%}
  {%- endfor -%}
  {{ run_hooks(post_hooks, inside_transaction=True) }}
  {{ adapter.commit() }}
  {{ run_hooks(post_hooks, inside_transaction=False) }}
  {% do return({'relations': [this.incorporate(type='table')]}) %}
{% endmaterialization %}
