{#
  The relations of the fold, all in oneroster_log:
    <table>      every version a record ever had: _valid_from (inclusive), _valid_to (exclusive; null = now), both days of
                 packages. The state of any day is the versions valid on it, so a fold can begin again from any day.
    packages     one row per folded package       sync_report  one row per file of it
  Created when they are missing; made anew, and all packages folded again, when what the fold does has changed (the comment on
  packages says by which logic the versions were made).
#}
{% macro create_roster_log(logic) %}
create temp table fresh_tables (log text) on commit drop;
create schema if not exists oneroster_log;
create table if not exists oneroster_log.packages (
  org_id text not null,
  day date not null,
  status text not null,
  load_ids bigint[] not null,
  approval_id bigint,
  primary key (org_id, day)
);
create table if not exists oneroster_log.sync_report (
  org_id text not null,
  day date not null,
  table_name text not null,
  file text not null,
  mode text not null,
  applied boolean not null,
  rows_load_id bigint not null,
  delivered bigint not null,
  added bigint not null,
  changed bigint not null,
  ended bigint not null,
  returned bigint not null,
  stayed bigint not null,
  stale bigint not null,
  rejected bigint not null,
  active_before bigint,
  primary key (org_id, table_name, day)
);
do $$
begin
  if obj_description('oneroster_log.packages'::regclass) is distinct from '{{ logic }}' then
    delete from ops.applied where model = '{{ model.name }}';
    delete from oneroster_log.packages;
    delete from oneroster_log.sync_report;
    {%- for table in roster_files() + derived_roster_tables() %}
    {{ create_version_table(table) | indent(4) }}
    {%- endfor %}
    comment on table oneroster_log.packages is '{{ logic }}';
  end if;
end $$;
{% endmacro %}

{# A table of other columns makes way; what is built on it goes on reading it until it is built itself. #}
{% macro create_version_table(table) -%}
{%- set columns = [('org_id', 'text'), ('id', 'uuid'), ('sourced_id', 'text'), ('status', 'text'), ('date_last_modified', 'timestamptz')] -%}
{%- for column in table.columns + table.hidden -%}{%- do columns.append((column.name, column.type)) -%}{%- endfor -%}
{%- do columns.extend([('_valid_from', 'date'), ('_valid_to', 'date')]) -%}
{%- set name = table.log.split('.')[1] -%}
if to_regclass('{{ table.log }}') is not null and array(
  select attname || ' ' || format_type(atttypid, atttypmod) from pg_attribute
  where attrelid = to_regclass('{{ table.log }}') and attnum > 0 and not attisdropped
  order by attnum
) <> array[{% for column, type in columns %}'{{ column | replace('"', '') }} ' || '{{ type }}'::regtype{{ ', ' if not loop.last }}{% endfor %}] then
  execute format('alter table {{ table.log }} rename to %I', '{{ name[:40] }}__replaced_' || to_regclass('{{ table.log }}')::oid);
end if;
if to_regclass('{{ table.log }}') is null then
  create table {{ table.log }} (
    {%- for column, type in columns %}
    {{ column }} {{ type }}{{ ' not null' if column in ['org_id', 'id', 'status', '_valid_from'] }}{{ ',' if not loop.last }}
    {%- endfor %}
  ) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);
  insert into pg_temp.fresh_tables values ('{{ table.log }}');
end if;
delete from {{ table.log }};
{%- endmacro %}

{#
  The indexes of a table that this transaction has made: after the first rows are in it, since a million entries are sorted
  several times faster than they are inserted one by one.
#}
{% macro index_if_fresh(table) -%}
if exists (select from pg_temp.fresh_tables where log = '{{ table.log }}') then
  delete from pg_temp.fresh_tables where log = '{{ table.log }}';
  create unique index on {{ table.log }} (id, org_id) where _valid_to is null;
  create index on {{ table.log }} (org_id, _valid_from);
  create index on {{ table.log }} (org_id, _valid_to) where _valid_to is not null;
  {%- for columns in version_indexes(table) %}
  create index on {{ table.log }} {{ columns }} where _valid_to is null;
  {%- endfor %}
end if;
{%- endmacro %}

{# What the current versions are looked up by, beside their key. #}
{% macro version_indexes(table) %}
  {{ return({
    'one_roster_user': ['(org_id, identifier)', '(org_id, lower(email))', 'using gin (_agent_ids)'],
    'delivered_role': ['(user_id)'],
    'one_roster_role': ['(user_id)', '(organization_id, role)'],
    'one_roster_user_agent': ['(source_user_id)', '(agent_user_id)'],
    'one_roster_class': ['(school_id)'],
    'one_roster_enrollment': ['(user_id)', '(class_id)'],
  }.get(table.log.split('.')[1], [])) }}
{% endmacro %}

{# Beside each table that a model shows: <table>_history and <table>_as_of(day), as of the last build. #}
{% macro create_version_history() %}
{%- if execute -%}
{%- set columns = roster_columns(this.identifier) -%}
{%- set five = [('org_id', 'text'), ('id', 'uuid'), ('sourced_id', 'text'), ('status', 'text'), ('date_last_modified', 'timestamptz')] -%}
{%- set names = column_list((five | map(attribute=0) | list) + (columns | map(attribute='name') | list)) -%}
{%- set history = api.Relation.create(schema=this.schema, identifier=this.identifier ~ '_history') -%}
{%- set select_history -%}
select {{ names }}, _valid_from as valid_from, _valid_to as valid_to
from oneroster_log.{{ this.identifier }}
{%- endset -%}
{{ replace_view_sql(history, select_history, []) }};

do $as_of$
begin
  {{ as_of_function(history, five, columns, names) }}
exception when invalid_function_definition then
  drop function {{ this.schema }}.{{ this.identifier }}_as_of(date);
  {{ as_of_function(history, five, columns, names) }}
end
$as_of$;

{{ drop_versions_that_made_way() }}
{%- endif -%}
{% endmacro %}

{% macro as_of_function(history, five, columns, names) -%}
  create or replace function {{ this.schema }}.{{ this.identifier }}_as_of(day date)
  returns table ({% for name, type in five %}{{ name }} {{ type }}, {% endfor %}{% for column in columns %}{{ column.name }} {{ column.type }}{{ ', ' if not loop.last }}{% endfor %})
  language sql stable parallel safe
  as 'select {{ names }} from {{ history.include(database=false) }} where valid_from <= $1 and (valid_to is null or valid_to > $1)';
{%- endmacro %}

{% macro drop_versions_that_made_way() %}
do $$
declare
  leftover regclass;
begin
  for leftover in
    select oid from pg_class
    where relnamespace = 'oneroster_log'::regnamespace and relkind = 'r' and relname ~ ('__replaced_' || oid || '$')
  loop
    begin
      execute format('drop table %s', leftover);
    exception when dependent_objects_still_exist or lock_not_available then null;
    end;
  end loop;
end $$;
{% endmacro %}
