{#
  A model starts from nothing when its table or its key log is not there, the key log is of another logic version (its
  comment says which), or when no load is recorded as applied though there are loads or entries. The key log is then made anew.
#}
{% macro start_from_nothing_or_not(rule) %}
{%- set log = key_log(rule) -%}
create temp table reconcile_run (starts_from_nothing boolean not null) on commit drop;

do $$
declare
  from_nothing boolean := to_regclass('{{ this.schema }}.{{ this.identifier }}') is null
    or obj_description(to_regclass('{{ log }}'), 'pg_class') is distinct from '{{ logic_version(rule) }}';
begin
  if not from_nothing and not exists (select from ops.applied where model = '{{ model.name }}') then
    from_nothing := exists ({{ pending_loads_of(rule) }}) or exists (select from {{ log }});
    {%- if rule.changes is not none %}
    -- a few first rows are a change like any other: what is made of these rows need not begin again
    if from_nothing and not exists (select from {{ log }}) and not exists (select from {{ this }}) then
      from_nothing := (
        select sum(loads.rows) > {{ first_rows_that_are_a_change() }}
        from ops.load_log as loads
        join ({{ pending_loads_of(rule) }}) as pending on pending.load_id = loads.load_id
      );
    end if;
    {%- endif %}
  end if;
  insert into pg_temp.reconcile_run values (from_nothing);
  if from_nothing then
    {{ create_key_log(rule) }}
    {{ make_way_for_other_columns(rule) }}
  end if;
end $$;
{% endmacro %}

{#
  An empty key log. One of the present logic version is emptied and stays, and with it the views that read it; any other
  makes way and is dropped once nothing reads it.
#}
{% macro create_key_log(rule) %}
{%- set log = key_log(rule) -%}
    delete from ops.applied where model = '{{ model.name }}';
    drop function if exists {{ this.schema }}.{{ this.identifier }}_as_of(date);
    if obj_description(to_regclass('{{ log }}'), 'pg_class') = '{{ logic_version(rule) }}' then
      delete from {{ log }};
    else
      if to_regclass('{{ log }}') is not null then
        drop view if exists {{ log }}_entries cascade;
        execute (
          select coalesce(string_agg(format('drop index %s', indexrelid::regclass), '; '), 'select')
          from pg_index where indrelid = to_regclass('{{ log }}')
        );
        execute format(
          'alter table {{ log }} rename to %I', '{{ rule.table[:40] }}__replaced_' || to_regclass('{{ log }}')::oid
        );
      end if;
      create table {{ log }} (
        org_id text not null,
        {%- for column in rule.columns %}
        {{ column.name }} {{ column.type }},
        {%- endfor %}
        _kind text not null,
        _day date not null,
        _load_id bigint not null,
        _row integer
        {%- if rule.legacy %},
        _unmapped text[]
        {%- endif %}
      ) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);
      comment on table {{ log }} is '{{ logic_version(rule) }}';
    end if;
    {%- if rule.changes is not none %}
    {{ create_changes(rule_changes(rule), changed_columns(rule)) | indent(4) }}
    {%- endif %}
{%- endmacro %}

{# After the first rows: an index that is made of them costs a part of one that takes them one by one. #}
{% macro index_key_log(rule) %}
{%- set log = key_log(rule) -%}
    create index if not exists {{ rule.table[:50] }}_by_key on {{ log }} ({{ column_list(['org_id'] + rule.key + ['_day']) }});
    create index if not exists {{ rule.table[:50] }}_by_load on {{ log }} (_load_id);
    {%- if rule.modifications %}
    create index if not exists {{ rule.table[:50] }}_by_second on {{ log }} (org_id, {{ rule.key[1] }});
    {%- endif %}
{%- endmacro %}

{#
  A table whose columns are no longer the contract's makes way for an empty one that has them. What is built on top keeps
  reading the table that made way until it is built itself; then the next run drops that table.
#}
{% macro make_way_for_other_columns(rule) %}
    if to_regclass('{{ this.schema }}.{{ this.identifier }}') is not null and array(
      select attname || ' ' || atttypid::regtype from pg_attribute
      where attrelid = to_regclass('{{ this.schema }}.{{ this.identifier }}') and attnum > 0 and not attisdropped
      order by 1
    ) <> array(
      select name || ' ' || type::regtype
      from (values ('org_id', 'text'){% for column in reconciled_columns(rule) %}, ('{{ column.name }}', '{{ column.type }}'){% endfor %}) as contract (name, type)
      order by 1
    ) then
      drop index if exists {{ this.schema }}.{{ this.identifier }}_key;
      execute format(
        'alter table {{ this.schema }}.{{ this.identifier }} rename to %I',
        '{{ this.identifier[:40] }}__replaced_' || to_regclass('{{ this.schema }}.{{ this.identifier }}')::oid
      );
      create table {{ this.schema }}.{{ this.identifier }} (
        org_id text{% for column in reconciled_columns(rule) %}, {{ column.name }} {{ column.type }}{% endfor %}
      );
    end if;
{%- endmacro %}

{# Drops tables that made way, once nothing reads them: those of one table, or with an empty name all of the schema. #}
{% macro drop_what_made_way(schema, name) %}
do $$
declare
  leftover regclass;
begin
  for leftover in
    select oid from pg_class
    where relnamespace = '{{ schema }}'::regnamespace and relkind = 'r'
      and relname like '{{ name[:40] or '%' }}' || '\_\_replaced\_' || oid
  loop
    begin
      execute format('lock table %s nowait', leftover);
      execute format('drop table %s', leftover);
    exception when dependent_objects_still_exist or lock_not_available then null;
    end;
  end loop;
end $$;
{% endmacro %}

{% macro index_reconciled(rule) %}
{%- set identity = rule.identity or rule.key %}
create {{ 'unique ' if rule.load != 'drop_insert' }}index if not exists {{ this.identifier }}_key
on {{ this }} ({{ column_list(identity + ['org_id'] if rule.across_orgs else ['org_id'] + identity) }}){{ ' nulls not distinct' if rule.load != 'drop_insert' }};
alter table {{ this }} set (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02);
{% endmacro %}

{# The columns of a reconciled table after org_id: the contract's, and those that say where the row came from. #}
{% macro reconciled_columns(rule) -%}
  {{ return(rule.columns + provenance_of(rule)) }}
{%- endmacro %}

{% macro first_rows_that_are_a_change() -%} 100000 {%- endmacro %}
