{#
  The staging view of one delivered file: the contract's columns, softly cast, one row per raw row of the log.
    uncast   names of the columns whose text is not a value of their type, and of key columns whose text no index can
             hold; such a row is set aside by the model that reads it
    _raw     the row as delivered (jsonb), computed only where it is asked for
#}
{% macro stage(feed, table) %}
{%- set raw = source('raw_' ~ feed, table) -%}
{%- set contract = file_contract(feed, table) -%}
{%- set typed = contract.columns | rejectattr('type', 'in', ['text', 'text[]']) | list -%}
{%- set keys = as_list(contract.key) + as_list(contract.drop_key) -%}
select
  raw.org_id,
  {%- for column in contract.columns %}
  {{ staged_value(column) }} as {{ adapter.quote(column.name) }},
  {%- endfor %}
  {%- if typed or keys %}
  array_remove(array[
    {%- for column in typed %}
    case when raw.{{ adapter.quote(column.name) }} is not null and {{ staged_value(column) }} is null then '{{ column.name }}' end
    {{- ',' if keys or not loop.last }}
    {%- endfor %}
    {%- for key in keys %}
    case when octet_length(raw.{{ key }}) > {{ max_key_bytes() }} then '{{ key }}' end
    {{- ',' if not loop.last }}
    {%- endfor %}
  ], null) as uncast,
  {%- else %}
  '{}'::text[] as uncast,
  {%- endif %}
  raw._load_id,
  raw._row,
  raw._line,
  to_jsonb(raw.*) as _raw
from {{ raw }} as raw
{% endmacro %}

{# A column of the raw row `raw` as staging gives it: cast, or for an enumeration in the contract's spelling. #}
{% macro staged_value(column) -%}
  {%- set delivered = 'raw.' ~ adapter.quote(column.name) -%}
  {{ canonical_spelling(delivered, column.enumeration) if column.enumeration else soft_cast(delivered, column.type) }}
{%- endmacro %}

{#
  The longest text of one key column. An index entry holds at most 2,704 bytes, and a longer one fails the build of every
  org; org_id and five such columns fit.
#}
{% macro max_key_bytes() -%} 400 {%- endmacro %}
