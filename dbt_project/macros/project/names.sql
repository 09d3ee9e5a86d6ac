{# The schema a folder is configured with is the schema itself, never a suffix to the profile's. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
  {{ (custom_schema_name or target.schema) | trim }}
{%- endmacro %}

{# A model `<schema>__<table>` is the relation <schema>.<table>; every other model is named as its file. #}
{% macro generate_alias_name(custom_alias_name=none, node=none) -%}
  {%- set prefix = (node.config.schema or '') ~ '__' -%}
  {%- if custom_alias_name -%}{{ custom_alias_name | trim }}
  {%- elif node.name.startswith(prefix) -%}{{ node.name[prefix | length:] }}
  {%- else -%}{{ node.name }}
  {%- endif -%}
{%- endmacro %}
