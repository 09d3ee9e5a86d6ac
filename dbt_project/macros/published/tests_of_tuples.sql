{#
    Generic tests of keys that are tuples, org_id first: ids are unique within an org only.

    unique_together(columns)             one row per tuple; null equals null, as in the contracts' keys
    refers_to(columns, to, to_columns)   every tuple without a null exists in the other relation; counts rows

    `rows` names the relation to test instead of the model: the table that a mart takes its rows from, when the mart looks
    up so much per row that testing all of it would cost more than it tells.
#}
{% test unique_together(model, columns, rows=none) %}
select
    {{ columns | join(', ') }},
    count(*) as n_records
from {{ rows or model }}
group by {{ columns | join(', ') }}
having count(*) > 1
{% endtest %}


{% test refers_to(model, columns, to, to_columns, rows=none) %}
select
    {% for column in columns -%} referring.{{ column }}{{ ',' if not loop.last }} {% endfor %}
from {{ rows or model }} as referring
where
    {% for column in columns -%} referring.{{ column }} is not null and {% endfor %}
    not exists (
        select 1 as found
        from {{ to }} as referred
        where {% for column in columns -%}
            referred.{{ to_columns[loop.index0] }} = referring.{{ column }}{{ ' and ' if not loop.last }}
        {%- endfor %}
    )
{% endtest %}


{# Counts the records that a published view leaves out (marts__roster_left_out). #}
{% test left_out(model, view, rows) %}
select
    left_out.tenant,
    left_out.org_id,
    left_out.record_id
from {{ rows }} as left_out
where left_out.view_name = '{{ view }}'
{% endtest %}


{# Counts the rows in which a column is null that may be. #}
{% test rows_with_null(model, column) %}
select 1 as found
from {{ model }} as tested
where tested.{{ column }} is null
{% endtest %}

{# A model that lists what is wrong lists nothing. #}
{% test has_no_rows(model) %}
select 1 as listed
from {{ model }}
{% endtest %}

{# Every row of a snapshot belongs to a row that the snapshot has, too: counts those that do not (offboarding.orphans). #}
{% test has_no_orphans(model) %}
select orphan.org_id, orphan.table_name, orphan.parent_table, orphan.orphans
from offboarding.orphans as orphan
inner join {{ model }} as delivery on orphan.org_id = delivery.org_id and delivery.is_current
{% endtest %}
