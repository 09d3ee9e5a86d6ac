{#
  A typed value, or null where the delivered text is not one; nothing it is given makes the statement fail.
  Accepted: timestamps and dates in ISO 8601, T or a space between day and time (an offset or Z is converted to UTC;
  without one the value is UTC), plain decimal numbers, UUIDs as Postgres reads them, the usual words for booleans, lists separated by commas (items are trimmed, empty ones dropped, no items
  are null). Postgres's special words (now, infinity, NaN, 0x1F) are not values.
#}
{% macro soft_cast(column, data_type) -%}
  {%- set date = '[0-9]{4}-[0-9]{2}-[0-9]{2}' -%}
  {%- set time = '[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]+)?)?' -%}
  {%- set offset = '(Z|[+-][0-9]{2}(:?[0-9]{2})?)' -%}
  {%- if data_type == 'text' -%}
    {{ column }}
  {%- elif data_type == 'timestamp' -%}
    case
      when {{ column }} ~ '^{{ date }}({{ time }})?$' and pg_input_is_valid({{ column }}, 'timestamp')
        then {{ column }}::timestamp
      when {{ column }} ~ '^{{ date }}{{ time }}{{ offset }}$' and pg_input_is_valid({{ column }}, 'timestamptz')
        then {{ column }}::timestamptz at time zone 'UTC'
    end
  {%- elif data_type == 'timestamptz' -%}
    {#- the usual spelling first, without a regular expression, which would be most of a large load's time -#}
    case
      when ({{ column }} like '____-__-__T__:__:__Z' or {{ column }} like '____-__-__T__:__:__._%Z')
        and translate({{ column }}, '0123456789', '') in ('--T::Z', '--T::.Z') and pg_input_is_valid({{ column }}, 'timestamptz')
        then ({{ column }})::timestamptz
      else ({{ soft_cast(column, 'timestamp') }}) at time zone 'UTC'
    end
  {%- elif data_type == 'text[]' -%}
    case
      when strpos({{ column }}, ',') > 0 then (
        select array_agg(btrim(listed.item) order by listed.position)
        from unnest(string_to_array({{ column }}, ',')) with ordinality as listed (item, position)
        where btrim(listed.item) <> ''
      )
      when btrim({{ column }}) <> '' then array[btrim({{ column }})]
    end
  {%- elif data_type == 'date' -%}
    {#- the pattern of dates, without a regular expression, which would be most of a large load's time -#}
    case
      when {{ column }} like '____-__-__' and translate({{ column }}, '0123456789', '') = '--' and pg_input_is_valid({{ column }}, 'date')
        then ({{ column }})::date
    end
  {%- elif data_type == 'uuid' -%}
    case when pg_input_is_valid({{ column }}, 'uuid') then ({{ column }})::uuid end
  {%- elif data_type == 'integer' -%}
    {{ cast_matching(column, '^[+-]?[0-9]+$', 'integer') }}
  {%- elif data_type == 'numeric' -%}
    {{ cast_matching(column, '^[+-]?([0-9]+[.]?[0-9]*|[.][0-9]+)$', 'numeric') }}
  {%- elif data_type == 'boolean' -%}
    {{ cast_matching('lower(' ~ column ~ ')', '^(true|t|yes|y|on|1|false|f|no|n|off|0)$', 'boolean') }}
  {%- else -%}
    {{ exceptions.raise_compiler_error('Column ' ~ column ~ ' has the type ' ~ data_type ~ ', which soft_cast does not know.') }}
  {%- endif -%}
{%- endmacro %}

{% macro cast_matching(expression, pattern, data_type) -%}
  case when {{ expression }} ~ '{{ pattern }}' and pg_input_is_valid({{ expression }}, '{{ data_type }}') then ({{ expression }})::{{ data_type }} end
{%- endmacro %}

{# A value of an enumeration in the contract's spelling, whatever case it came in; any other text stays as it is. #}
{% macro canonical_spelling(column, values) -%}
  case lower({{ column }}){% for value in values %} when '{{ value | lower }}' then '{{ value }}'{% endfor %} else {{ column }} end
{%- endmacro %}
