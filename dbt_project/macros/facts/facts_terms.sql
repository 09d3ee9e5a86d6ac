{# Words of the marts about what people do. All times are UTC, seconds are whole and rounded half away from zero. #}

{% macro utc_date(moment) -%} ({{ moment }} at time zone 'UTC')::date {%- endmacro %}

{% macro seconds_between(begins, ends) -%} round(extract(epoch from ({{ ends }} - {{ begins }}))) {%- endmacro %}

{# The day under which points are added up; entries without a date have one of their own, since null equals nothing. #}
{% macro xp_day(created) -%} coalesce({{ utc_date(created) }}, '-infinity'::date) {%- endmacro %}

{# An interval counts unless it ends before it begins; one that is open does. #}
{% macro is_in_order(begins, ends) -%} coalesce({{ ends }} >= {{ begins }}, true) {%- endmacro %}

{# Seconds covered by intervals of which some may overlap or touch: a moment counts once. #}
{% macro covered_seconds(begins, ends, condition) -%}
    (
        select sum(extract(epoch from (upper(covered.span) - lower(covered.span))))
        from unnest(range_agg(tstzrange({{ begins }}, {{ ends }}, '[]')) filter (where {{ condition }})) as covered (span)
    )
{%- endmacro %}
