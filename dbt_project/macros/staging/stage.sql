{#
  The staging view of one delivered file: the contract's columns, softly cast, one row per raw row of the log.
    uncast   names of the columns whose text is not a value of their type, of key columns whose text no index can hold, and
             of upserts' required columns and bulk files' keys without a value; such a row is set aside by the model that
             reads it
    _raw     the row as delivered (jsonb), computed only where it is asked for
  Of a row that removes its key nothing counts but the key and the flag.
#}
{% macro stage(feed, table) %}
{%- set raw = source('raw_' ~ feed, table) -%}
{%- set contract = file_contract(feed, table) -%}
{%- set flag = contract.columns | selectattr('deletes', 'defined') | first -%}
{%- set keys = as_list(contract.key) + as_list(contract.drop_key) -%}
{#- what an id is translated to becomes the key of other rows -#}
{%- set indexed = keys + (['new_id'] if contract.load == 'id_map' else []) -%}
{%- set doubts = [] -%}
{%- for column in contract.columns if column.type not in ['text', 'text[]'] -%}
  {%- set matters = ' and (' ~ staged_value(flag) ~ ') is not true' if flag and column.name not in keys + [flag.name] else '' -%}
  {%- do doubts.append({'column': column.name, 'if': 'raw.' ~ adapter.quote(column.name) ~ ' is not null and ' ~ staged_value(column) ~ ' is null' ~ matters}) -%}
{%- endfor -%}
{%- for column in contract.columns if column.required and contract.load == 'upsert' -%}
  {%- do doubts.append({'column': column.name, 'if': 'raw.' ~ adapter.quote(column.name) ~ ' is null'}) -%}
{%- endfor -%}
{%- for key in keys if contract.load == 'bulk' -%}
  {%- do doubts.append({'column': key, 'if': 'raw.' ~ adapter.quote(key) ~ ' is null'}) -%}
{%- endfor -%}
{%- for key in indexed -%}
  {%- do doubts.append({'column': key, 'if': 'octet_length(raw.' ~ key ~ ') > ' ~ max_key_bytes()}) -%}
{%- endfor %}
select
  raw.org_id,
  {%- for column in contract.columns %}
  {{ staged_value(column) }} as {{ adapter.quote(column.name) }},
  {%- endfor %}
  {%- if doubts %}
  array_remove(array[
    {%- for doubt in doubts %}
    case when {{ doubt.if }} then '{{ doubt.column }}' end{{ ',' if not loop.last }}
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
