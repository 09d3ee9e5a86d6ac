{#
  The id of a record: a sourcedId of the form of a UUID is the id itself, any other text makes one that is the same at
  every delivery and another one in every org. Takes the type of the record (a source table's config.meta.type), an
  expression of the sourcedId and the relation that has org_id. Null stays null.
  LIKE before pg_input_is_valid: Postgres also reads UUIDs in braces and with other hyphens.
#}
{% macro roster_id(type, sourced_id, relation='staged') -%}
case
  when {{ sourced_id }} like '________-____-____-____-____________' and pg_input_is_valid({{ sourced_id }}, 'uuid')
    then ({{ sourced_id }})::uuid
  else md5({{ relation }}.org_id || '|{{ type }}|' || {{ sourced_id }})::uuid
end
{%- endmacro %}

{# The ids of a list of sourcedIds, in its order. #}
{% macro roster_ids(type, sourced_ids, relation='staged') -%}
case
  when {{ sourced_ids }} is not null then (
    select array_agg({{ roster_id(type, 'listed.sourced_id', relation) }} order by listed.position)
    from unnest({{ sourced_ids }}) with ordinality as listed (sourced_id, position)
  )
end
{%- endmacro %}
