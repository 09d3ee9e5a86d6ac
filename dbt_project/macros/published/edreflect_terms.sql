{# The year of an observation, from the source's own rule where only the id was delivered; an id that makes no sense gives none. #}
{% macro observation_school_year(observation) -%}
    coalesce(
        {{ observation }}.school_year,
        case when {{ observation }}.school_year_id between 0 and 990 then 2009 + {{ observation }}.school_year_id end
    )
{%- endmacro %}

{# What ratings and feedback say of their observation, looked up for one row of `part`; nothing if it is not known. #}
{% macro observation_of(part) -%}
    select
        candidate.observation_template_name,
        candidate.learner_employee_id,
        candidate.observer_employee_id,
        candidate.observation_status,
        candidate.observation_is_deleted,
        {{ observation_school_year('candidate') }} as school_year
    from {{ ref('edreflect__observations') }} as candidate
    where
        candidate.org_id = {{ part }}.org_id
        and candidate.observation_group_id = {{ part }}.observation_group_id
    order by candidate.observation_group_id
    limit 1
{%- endmacro %}

{# The distinct, sorted values of one of an educator's lists (edreflect.user_roles, ...), nulls left out, never null. #}
{% macro values_of_educator(list, column, educator) -%}
    array(
        select distinct item.{{ column }}
        from {{ ref('edreflect__' ~ list) }} as item
        where
            item.org_id = {{ educator }}.org_id
            and item.employee_id = {{ educator }}.employee_id
            and item.{{ column }} is not null
        order by item.{{ column }}
    )
{%- endmacro %}

{# Which row stands for an indicator that its rubric's list names more than once: the first by place, then by wording. #}
{% macro indicator_preference(candidate) -%}
    {{ candidate }}.indicator_level nulls last,
    {{ candidate }}.indicator_order nulls last,
    {{ candidate }}.indicator_code nulls last,
    {{ candidate }}.indicator_name nulls last,
    {{ candidate }}.parent_indicator_id nulls last
{%- endmacro %}
