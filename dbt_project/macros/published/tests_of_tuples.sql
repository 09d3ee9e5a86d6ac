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
