{#
  The contract of one delivered file, as its dbt source states it (models/sources/<feed>.yml).
  Takes the feed and the table name; gives a dictionary: load, key, drop_key, touched_by, deleted_by, modified_by, file,
  columns (a list of {name, type, and where it has them: enumeration, required, deletes}). Empty while dbt parses, when the project's graph is not known yet.
#}
{% macro file_contract(feed, table) %}
  {%- if not execute -%}{{ return({'columns': [], 'key': [], 'drop_key': [], 'load': 'upsert'}) }}{%- endif -%}
  {%- for node in graph.sources.values() if node.schema == 'raw_' ~ feed and node.name == table -%}
    {%- set contract = dict(node.config.meta) -%}
    {%- set columns = [] -%}
    {%- for column in node.columns.values() -%}
      {%- set read = {'name': column.name, 'type': column.data_type} -%}
      {%- for field in ['enumeration', 'required', 'deletes'] if column.config.meta.get(field) -%}
        {%- do read.update({field: column.config.meta[field]}) -%}
      {%- endfor -%}
      {%- do columns.append(read) -%}
    {%- endfor -%}
    {%- do contract.update({'columns': columns}) -%}
    {{ return(contract) }}
  {%- endfor -%}
  {{ exceptions.raise_compiler_error('No file of feed ' ~ feed ~ ' is declared as ' ~ table ~ ' in models/sources/' ~ feed ~ '.yml.') }}
{% endmacro %}

{# The tables of a feed whose contract satisfies a rule, by name: e.g. tables_where('edreflect', 'load', 'id_map'). #}
{% macro tables_where(feed, field, value) %}
  {%- set tables = [] -%}
  {%- for node in graph.sources.values() if node.schema == 'raw_' ~ feed -%}
    {%- set actual = node.config.meta.get(field) -%}
    {%- if actual == value or (actual is mapping and actual.get('table') == value) -%}
      {%- do tables.append(node.name) -%}
    {%- endif -%}
  {%- endfor -%}
  {{ return(tables | sort) }}
{% endmacro %}
