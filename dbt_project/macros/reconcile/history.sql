{#
  Beside each reconciled table: <table>_history (every state with its validity) and <table>_as_of(day), both computed
  from the current loads, applied or not: the key log without retired loads, and the staged rows of pending ones.
#}
{% macro create_history(rule) %}
{%- set entries = key_log(rule) ~ '_entries' -%}
{%- set columns = column_list(rule.columns | map(attribute='name')) %}
create or replace view {{ entries }} as
select log.*
from {{ key_log(rule) }} as log
where log._load_id <> all (array({{ retired_loads_of(rule) }}))
union all
{{ entries_of(rule, '(' ~ pending_loads_of(rule) ~ ')') }};

create or replace view {{ this.schema }}.{{ this.identifier }}_history as
{{ versions_of(rule, entries, entries) }};

create or replace function {{ this.schema }}.{{ this.identifier }}_as_of(day date)
returns table (org_id text{% for column in rule.columns %}, {{ column.name }} {{ column.type }}{% endfor %})
language sql stable parallel safe
as $as_of$
  select org_id, {{ columns }}
  from {{ this.schema }}.{{ this.identifier }}_history
  where valid_from <= $1 and (valid_to is null or valid_to > $1)
$as_of$;
{% endmacro %}

{# Descriptions are written once, in the contract, and shown in the database too. #}
{% macro comment_from_contract(rule) %}
{%- for node in graph.sources.values() if node.schema == 'raw_' ~ rule.feed and node.name == rule.row_tables[0] and not model.config.meta.get('union_of') %}
comment on table {{ this }} is {{ sql_literal(node.description) }};
{%- for column in node.columns.values() if not column.config.meta.get('deletes') %}
comment on column {{ this }}.{{ column.name }} is {{ sql_literal(column.description) }};
{%- endfor %}
{%- endfor %}
{% endmacro %}

{% macro sql_literal(text) -%} '{{ text | replace("'", "''") }}' {%- endmacro %}
