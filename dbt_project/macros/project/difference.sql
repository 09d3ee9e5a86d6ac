{#
  The incremental strategy `difference`: the model selects every row that is true now; what is stored and no longer true is
  deleted, what is new is inserted, and a row that stays is not written again. Rows are compared whole, so every column
  must be not null (a constraint of the model's contract); a row that the select gives twice is stored once. All in the
  model's transaction: readers go from one state to the next, and a build without changes writes nothing.
#}
{% macro get_incremental_difference_sql(arg_dict) %}
{%- set target = arg_dict['target_relation'] -%}
{%- set columns = column_list(arg_dict['dest_columns'] | map(attribute='quoted')) -%}
create temp table gone_rows on commit drop as
select {{ columns }} from {{ target }}
except
select {{ columns }} from {{ arg_dict['temp_relation'] }};

analyze pg_temp.gone_rows;

delete from {{ target }} as stored
using pg_temp.gone_rows as gone
where {% for column in arg_dict['dest_columns'] %}stored.{{ column.quoted }} = gone.{{ column.quoted }}{{ ' and ' if not loop.last }}{% endfor %};

insert into {{ target }} ({{ columns }})
select {{ columns }} from {{ arg_dict['temp_relation'] }}
except
select {{ columns }} from {{ target }};

do $$ begin {{ analyze_if_outgrown(target) }} end $$;
{% endmacro %}

{#
  Statistics of a table that has none, or that has more than doubled since they were made, at once: until autovacuum comes by
  (never, for a table of a few rows), the planner takes it for what it was and may join what was just published row by row.
#}
{% macro analyze_if_outgrown(relation) -%}
if (
  select reltuples < 0 or pg_relation_size(oid) > 2 * relpages * current_setting('block_size')::bigint
  from pg_class where oid = '{{ relation }}'::regclass
) and exists (select from {{ relation }}) then
  analyze {{ relation }};
end if;
{%- endmacro %}
