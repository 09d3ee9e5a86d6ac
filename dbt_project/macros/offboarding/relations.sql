{#
  What the offboarding product is read by, made where it is missing or no longer what contract and deliveries ask for:
    offboarding_log.<table>    the stored rows of each org's current snapshot, typed, indexed by document
    offboarding.<table>        those rows with _day, the day of the snapshot, and _json: the cells that hold an object or a
                               list in JSON, parsed, by column (worked out only where it is asked for)
    offboarding.<table>_history, <table>_as_of(day)   every complete snapshot, from the raw log
    offboarding.orphans        rows whose parent is not in their snapshot: how many, and of which documents
  Views are replaced in place, so that what is built on top stays.
#}
{% macro keep_snapshot_relations(tables, begins_anew) %}
  {%- set stored = stored_columns_of_snapshots() -%}
  {%- set kept = [] -%}
  {%- for table in tables if begins_anew or stored.get(table.name) != stored_columns(table) -%}
    {%- do kept.append(table) -%}
  {%- endfor -%}
  {%- if begins_anew or kept -%}
    {%- do run_query(snapshot_loads_view()) -%}
    {%- for table in kept -%}
      {%- do run_query(keep_snapshot_table(table, stored.get(table.name), begins_anew)) -%}
    {%- endfor -%}
    {%- do run_query(replace_view_sql(api.Relation.create(schema='offboarding', identifier='orphans'), orphans_of(tables), [])) -%}
    {%- do run_query("comment on table offboarding_log.stored_files is '" ~ snapshot_logic() ~ "'") -%}
  {%- endif -%}
  {%- set defined = run_query("select count(*) > 0 from ops.load_log where feed = 'offboarding'
    and table_name = 'field_definitions' and (" ~ (begins_anew or kept | length > 0) | string | lower
    ~ " and status = 'current' or load_id in (
      select load_id from pg_temp.pending_loads union all select load_id from pg_temp.retired_loads
    ))").rows[0][0] -%}
  {%- if defined -%}{%- do run_query(describe_as_delivered(tables)) -%}{%- endif -%}
  {%- do run_query(drop_what_made_way('offboarding_log', '')) -%}
{% endmacro %}

{# The stored columns of a table, as `name type, ..`, to compare with what is there. #}
{% macro stored_columns(table) -%}
  {%- set columns = ['org_id text', '_hash bigint'] + (['level integer'] if table.level else []) -%}
  {%- for column in table.columns -%}
    {%- do columns.append(column.name ~ ' ' ~ {'timestamp': 'timestamp without time zone'}.get(column.type, column.type)) -%}
  {%- endfor -%}
  {{ return(columns | sort | join(', ')) }}
{%- endmacro %}

{% macro stored_columns_of_snapshots() %}
  {%- set stored = {} -%}
  {%- for row in run_query("
    select c.relname, string_agg(a.attname || ' ' || a.atttypid::regtype, ', ' order by (a.attname || ' ' || a.atttypid::regtype) collate \"C\")
    from pg_catalog.pg_class as c
    join pg_catalog.pg_namespace as n on n.oid = c.relnamespace and n.nspname = 'offboarding_log'
    join pg_catalog.pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    where c.relkind = 'r'
    group by c.relname
  ").rows -%}
    {%- do stored.update({row[0]: row[1]}) -%}
  {%- endfor -%}
  {{ return(stored) }}
{% endmacro %}

{# Changes whenever what is stored of the deliveries changes: the contract's columns and the casts of their values. #}
{% macro snapshot_logic() -%}
  {%- set parts = [iso_or_epoch('cell'), level_of_file('file'), max_key_bytes()] -%}
  {%- for node in graph.sources.values() | sort(attribute='name') if node.schema == 'raw_offboarding' -%}
    {%- do parts.append(node.name ~ tojson(node.config.meta.get('parent'))) -%}
    {%- for column in node.columns.values() -%}
      {%- do parts.append(column.name ~ ' ' ~ column.data_type ~ ' ' ~ column.description) -%}
    {%- endfor -%}
  {%- endfor -%}
  {{ local_md5(parts | join('\n')) }}
{%- endmacro %}

{# The current loads of every complete snapshot, with the days between which it was the newest. #}
{% macro snapshot_loads_view() %}
create or replace view offboarding_log.snapshot_loads as
select
  loads.load_id,
  loads.org_id,
  loads.table_name,
  {{ level_of_file('loads.file') }} as level,
  delivery.day as valid_from,
  delivery.next_day as valid_to
from (
  select feed, org_id, day, lead(day) over (partition by org_id order by day) as next_day
  from ops.snapshot_deliveries
  where feed = 'offboarding' and is_complete
) as delivery
join ops.load_log as loads
  on loads.feed = delivery.feed and loads.org_id = delivery.org_id and loads.day = delivery.day
where loads.status = 'current' and loads.table_name is not null
{% endmacro %}

{% macro keep_snapshot_table(table, present, begins_anew) %}
{%- set stored = 'offboarding_log.' ~ table.name -%}
{%- if present and begins_anew %}
drop index if exists offboarding_log.{{ table.name[:54] }}_document;
{%- for column in indexed_columns(table) if column != '_id' %}
drop index if exists offboarding_log.{{ table.name[:40] }}_{{ column }};
{%- endfor %}
do $$
begin
  execute format(
    'alter table {{ stored }} rename to %I', '{{ table.name[:40] }}__replaced_' || '{{ stored }}'::regclass::oid
  );
end $$;
{%- endif %}
create table if not exists {{ stored }} (
  org_id text not null,
  _hash bigint not null
  {%- if table.level %},
  level integer not null
  {%- endif %}
  {%- for column in table.columns %},
  {{ adapter.quote(column.name) }} {{ column.type }}
  {%- endfor %}
) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);
{%- if present and not begins_anew %}
-- a reader of long standing must not make others queue behind this: see replace_view_sql
do $$
begin
  perform set_config('lock_timeout', '500ms', true);
  for attempt in 1..40 loop
    begin
      alter table {{ stored }}
        {%- for column in table.columns %}
        add column if not exists {{ adapter.quote(column.name) }} {{ column.type }}{{ ',' if not loop.last }}
        {%- endfor %};
      exit;
    exception when lock_not_available then
      if attempt = 40 then
        raise exception '{{ stored }} was being read all through 40 attempts to add a column: nothing was changed. '
          'pg_stat_activity shows the long query; the next build tries again.' using errcode = 'lock_not_available';
      end if;
      perform pg_sleep(0.5);
    end;
  end loop;
  perform set_config('lock_timeout', '0', true);
end $$;
{%- endif %}
create index if not exists {{ table.name[:54] }}_document on {{ stored }} (org_id, _id);
{%- for column in indexed_columns(table) if column != '_id' %}
create index if not exists {{ table.name[:40] }}_{{ column }} on {{ stored }} (org_id, {{ column }});
{%- endfor %}

{{ replace_view_sql(api.Relation.create(schema='offboarding', identifier=table.name), snapshot_view(table), []) }};
{{ replace_view_sql(api.Relation.create(schema='offboarding', identifier=table.name ~ '_history'), snapshot_history(table), []) }};
drop function if exists offboarding.{{ table.name }}_as_of(date);
create function offboarding.{{ table.name }}_as_of(day date)
returns table (org_id text{{ ', level integer' if table.level }}{% for column in table.columns %}, {{ adapter.quote(column.name) }} {{ column.type }}{% endfor %})
language sql stable parallel safe
as $as_of$
  select org_id{{ ', level' if table.level }}{% for column in table.columns %}, {{ adapter.quote(column.name) }}{% endfor %}
  from offboarding.{{ table.name }}_history
  where valid_from <= $1 and (valid_to is null or valid_to > $1)
$as_of$;
comment on view offboarding.{{ table.name }} is {{ sql_literal(table.description or 'Loaded by its name: the contract does not list this file. Columns as they came.') }};
comment on column offboarding.{{ table.name }}._day is 'The day of the snapshot that is shown: the newest complete one of the org.';
comment on column offboarding.{{ table.name }}._json is 'Cells of the row that hold an object or a list in JSON, parsed, by column; null where there is none.';
{%- for column in table.columns if column.description %}
comment on column offboarding.{{ table.name }}.{{ adapter.quote(column.name) }} is {{ sql_literal(column.description | trim) }};
{%- endfor %}
{% endmacro %}

{#
  Files with the header Field,Description say what the columns of a table are (profile 'describes': which one): their words,
  the newest delivery's, become the descriptions, for as long as it counts; then it is the contract's again.
#}
{% macro describe_as_delivered(tables) %}
do $$
declare
  defined record;
begin
  for defined in
    with columns (table_name, column_name, header, description) as (
      values
      {%- for table in tables %}
      {%- for column in table.columns %}
      ('{{ table.name }}', '{{ column.name }}', '{{ column.header | lower }}', {{ sql_literal(column.description | trim) }}){{ ',' if not loop.last }}
      {%- endfor %}{{ ',' if not loop.last }}
      {%- endfor %}
    ),
    delivered as (
      select distinct on (columns.table_name, columns.column_name)
        columns.table_name, columns.column_name, definition.description
      from ops.load_log as loads
      join raw_offboarding.field_definitions as definition on definition._load_id = loads.load_id
      join columns
        on columns.table_name = loads.profile ->> 'describes' and lower(definition.field) in (columns.header, columns.column_name)
      where loads.feed = 'offboarding' and loads.status = 'current' and loads.table_name = 'field_definitions'
        and definition.description is not null
      order by columns.table_name, columns.column_name, loads.load_id desc, definition._row
    )
    select attribute.attrelid::regclass as view, columns.column_name, said.description
    from columns
    left join delivered using (table_name, column_name)
    cross join lateral (
      select coalesce(delivered.description, nullif(columns.description, '')) as description
    ) as said
    join pg_catalog.pg_attribute as attribute
      on attribute.attrelid = to_regclass(format('offboarding.%I', columns.table_name))
      and attribute.attname = columns.column_name
    where said.description is distinct from col_description(attribute.attrelid, attribute.attnum)
  loop
    execute format('comment on column %s.%I is %L', defined.view, defined.column_name, defined.description);
  end loop;
end $$
{% endmacro %}

{% macro snapshot_view(table) %}
{%- set text_columns = table.columns | selectattr('type', 'equalto', 'text') | map(attribute='name') | list %}
select
  stored.org_id,
  delivery.day as _day,
  (
    select jsonb_object_agg(cell.column_name, cell.content::jsonb)
    from (
      values {% for name in text_columns %}('{{ name }}', stored.{{ adapter.quote(name) }}){{ ', ' if not loop.last }}{% endfor %}
    ) as cell (column_name, content)
    where cell.content ~ '^\s*[[{]' and pg_input_is_valid(cell.content, 'jsonb')
  ) as _json,
  {%- if table.level %}
  stored.level,
  {%- endif %}
  {%- for column in table.columns %}
  stored.{{ adapter.quote(column.name) }}{{ ',' if not loop.last }}
  {%- endfor %}
from offboarding_log.{{ table.name }} as stored
join offboarding.deliveries as delivery on delivery.org_id = stored.org_id and delivery.is_current
{% endmacro %}

{% macro snapshot_history(table) %}
select
  raw.org_id,
  {%- if table.level %}
  loads.level,
  {%- endif %}
  {%- for column in table.columns %}
  {{ snapshot_value(column) }} as {{ adapter.quote(column.name) }},
  {%- endfor %}
  loads.valid_from,
  loads.valid_to
from offboarding_log.snapshot_loads as loads
join raw_offboarding.{{ table.name }} as raw on raw._load_id = loads.load_id
where loads.table_name = '{{ table.name }}' and {{ snapshot_doubts(table) }} = '{}'
{% endmacro %}

{#
  Rows of a snapshot whose parent row is not there, by org and table; a row that leaves a part of its parent's key empty is
  looked for by the rest. An indicator below the first level belongs to one of the level above it, too.
#}
{% macro orphans_of(tables) %}
{%- set arms = [] -%}
{%- for table in tables if table.parent -%}
  {%- do arms.append(orphan_arm(table.name, table.parent.table, "child.org_id = parent.org_id"
    ~ orphan_condition(table.parent.key, table.parent.key), 'true')) -%}
{%- endfor -%}
{%- for table in tables if table.level and 'parent_indicator_id' in table.columns | map(attribute='name') -%}
  {%- do arms.append(orphan_arm(table.name, table.name,
    'child.org_id = parent.org_id and parent.level = child.level - 1'
    ~ orphan_condition(['_id', 'parent_indicator_id'], ['_id', 'indicator_id']), 'child.level > 1')) -%}
{%- endfor -%}
select org_id, table_name, parent_table, orphans, sample_ids
from (
{{ arms | join('\nunion all\n') }}
) as found
where orphans > 0
{% endmacro %}

{% macro orphan_condition(child_key, parent_key) -%}
  {%- for column in child_key -%}
    {%- set parent_column = parent_key[loop.index0] %}
    and {{ 'parent._id = child._id' if column == '_id' else '(child.' ~ column ~ ' is null or parent.' ~ parent_column ~ ' = child.' ~ column ~ ')' }}
  {%- endfor -%}
{%- endmacro %}

{% macro orphan_arm(name, parent, condition, which) %}
select
  child.org_id, '{{ name }}' as table_name, '{{ parent }}' as parent_table,
  count(*) as orphans,
  (array_agg(distinct child._id order by child._id))[1:5] as sample_ids
from offboarding_log.{{ name }} as child
where {{ which }} and not exists (select from offboarding_log.{{ parent }} as parent where {{ condition }})
group by child.org_id
{% endmacro %}
