{#
  What has changed, for the marts that are made of it. A reconciled model or a mart with `changes` in its config's meta
  records of every changed row, in the transaction that changes it, the key and those columns as they were and as they are:
  <schema>_log.<table>_changes (change_id, tenant, key and columns). A mart takes from it what it has not taken yet
  (ops.consumed), so that its cost follows the changes. Rows that are delivered again as they were are no change.
    ops.changes    model, epoch (another epoch: it began anew, so what is made of it has to, too), last_change
#}

{# The name of a relation's table of changes. #}
{% macro changes_table(relation) -%} {{ relation.schema }}_log.{{ relation.identifier }}_changes {%- endmacro %}

{% macro rule_changes(rule) -%} {{ rule.feed }}_log.{{ rule.table }}_changes {%- endmacro %}

{# The recorded columns of a rule, with their types: the key, then what its model names. #}
{% macro changed_columns(rule) %}
  {%- set columns = [] -%}
  {%- for column in rule.columns if column.name in rule.key + rule.changes -%}{%- do columns.append(column) -%}{%- endfor -%}
  {{ return(columns) }}
{% endmacro %}

{# Within plpgsql: an empty table of changes. One of the same columns stays, and with it what reads it. #}
{% macro create_changes(table, columns) -%}
{%- set all_columns = [{'name': 'change_id', 'type': 'bigint'}, {'name': 'tenant', 'type': 'text'}] -%}
{%- for column in columns -%}{%- do all_columns.append(column) -%}{%- endfor -%}
if array(
  select attname || ' ' || atttypid::regtype from pg_attribute
  where attrelid = to_regclass('{{ table }}') and attnum > 0 and not attisdropped
  order by attnum
) = array(
  select name || ' ' || type::regtype
  from (values {% for column in all_columns %}('{{ column.name }}', '{{ column.type }}'){{ ', ' if not loop.last }}{% endfor %}) as wanted (name, type)
) then
  delete from {{ table }};
else
  drop table if exists {{ table }} cascade;
  create table {{ table }} ({% for column in all_columns %}{{ column.name }} {{ column.type }}{{ ', ' if not loop.last }}{% endfor %});
  create index on {{ table }} (change_id);
end if;
{%- endmacro %}

{# Says that nothing is known of what changed before: whoever makes something of the model's rows takes all of them. #}
{% macro begin_changes_anew(name) -%}
insert into ops.changes as known (model, epoch, last_change)
values ('{{ name }}', nextval('ops.change_id'), 0)
on conflict (model) do update set epoch = excluded.epoch, last_change = 0;
{%- endmacro %}

{# The rows that count in their tenants, of the touched keys, as a temporary table; nothing where changes are not recorded. #}
{% macro take_rows_that_count(rule, into) %}
{%- if rule.changes is not none %}
create temp table {{ into }} on commit drop as
select counting.tenant, {{ column_list(rule.columns | map(attribute='name'), 'counting.') }}
from (
  select distinct org.tenant, {{ column_list(rule.key, 'touched.') }}
  from pg_temp.touched_keys as touched
  join ops.orgs as org on org.org_id = touched.org_id
) as keys
join {{ newest_in_tenant(this) }} as counting
  on {% for column in rule.key %}counting.{{ column }} = keys.{{ column }} and {% endfor %}coalesce(counting.tenant = keys.tenant, false);
{%- endif %}
{% endmacro %}

{% macro record_changed_rows(rule) %}
{%- if rule.changes is not none %}
{{ record_changes(rule_changes(rule), changed_columns(rule) | map(attribute='name') | list, 'pg_temp.rows_before', 'pg_temp.rows_after') }}
{%- endif %}
{% endmacro %}

{# Records what differs between two relations of the same columns; forgets what everyone has taken. #}
{% macro record_changes(table, columns, before, after) %}
do $$
declare
  change bigint := nextval('ops.change_id');
begin
  insert into {{ table }} (change_id, tenant, {{ column_list(columns) }})
  select change, tenant, {{ column_list(columns) }}
  from (
    (select * from {{ before }} except select * from {{ after }})
    union all
    (select * from {{ after }} except select * from {{ before }})
  ) as changed
  group by tenant, {{ column_list(columns) }};
  if found then
    update ops.changes set last_change = change where model = '{{ model.name }}';
  end if;
  delete from {{ table }}
  where change_id <= (select min(consumed.change_id) from ops.consumed where consumed.upstream = '{{ model.name }}');
end $$;
{% endmacro %}
