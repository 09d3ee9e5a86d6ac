{#
  Generic tests of ids and names within a tenant that the tests of tuples (tests_of_tuples.sql) cannot state.

  refers_to_one_of(key, to, column)   every value of `key` (a column, a cast such as course_id::text, unnest(subject_ids))
                                      exists, for the same tenant, as `column` of one of the relations `to`; counts values
  unique_if_given(key)                no two rows of a tenant share a value of `key`; null is none
#}
{% test refers_to_one_of(model, key, to, column='id') %}
select
    referring.tenant,
    referring.referred_id
from (
    select
        tenant,
        {{ key }} as referred_id
    from {{ model }}
) as referring
where
    referring.referred_id is not null
    {%- for relation in to %}
    and not exists (
        select 1 as found
        from {{ relation }} as referred
        where referred.{{ column }} = referring.referred_id and referred.tenant = referring.tenant
    )
    {%- endfor %}
{% endtest %}


{% test unique_if_given(model, key) %}
select
    tenant,
    count(*) as n_records
from {{ model }}
where {{ key }} is not null
group by tenant, {{ key }}
having count(*) > 1
{% endtest %}
