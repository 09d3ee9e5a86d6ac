{#
    Words of the roster marts. Ids are unique within a tenant only, so whatever is joined by an id is joined by the tenant,
    too.
#}

{#
    Whether two relations that have met by an id are of one tenant. Written so that the planner does not reckon with it: an
    id already says which tenant it is of, and two conditions taken for independent make it expect far too few rows.
#}
{% macro same_tenant(left, right) -%}
    coalesce({{ left }}.tenant = {{ right }}.tenant, false)
{%- endmacro %}

{# Whether a membership or relationship counts today: not ended, begun, and end dates are exclusive. #}
{% macro is_current(row) -%}
    {{ row }}.status <> 'tobedeleted'
    and ({{ row }}.begin_date is null or {{ row }}.begin_date <= (select clock.today from ops.clock as clock))
    and ({{ row }}.end_date is null or {{ row }}.end_date > (select clock.today from ops.clock as clock))
{%- endmacro %}

{#
    Whether a person has left the org whose row this is: what that org's files say of them elsewhere does not count any
    more. Roles end with their person by themselves. Another org of the tenant may still have the person.
#}
{% macro has_left(row, person_column) -%}
    exists (
        select 1 as found
        from {{ ref('oneroster__one_roster_user') }} as leaver
        where
            leaver.id = {{ row }}.{{ person_column }}
            and leaver.org_id = {{ row }}.org_id
            and leaver.status = 'tobedeleted'
    )
{%- endmacro %}

{# Given and family name, each trimmed, joined by one space; an empty part is left out, and null is left of nothing. #}
{% macro full_name(person) -%}
    nullif(concat_ws(' ', {{ trimmed(person ~ '.given_name') }}, {{ trimmed(person ~ '.family_name') }}), '')
{%- endmacro %}

{% macro trimmed(text) -%}
    nullif(btrim({{ text }}, E' \t\r\n\f\v\u00a0'), '')
{%- endmacro %}

{# Whether a person of a roster has, or had, a role as a student there. #}
{% macro is_student_of_roster(person) -%}
{{ has_roster_role(person, "= 'student'") }}
{%- endmacro %}

{# Whether a person of a roster has, or had, a role of the staff there. #}
{% macro is_staff_of_roster(person) -%}
{{ has_roster_role(person, "not in ('student', 'guardian', 'parent', 'relative')") }}
{%- endmacro %}

{# `which` is a condition on the role. #}
{% macro has_roster_role(person, which) -%}
exists (
        select 1 as found
        from {{ ref('oneroster__one_roster_role') }} as held
        where
            held.user_id = {{ person }}.id
            and held.org_id = {{ person }}.org_id
            and held.role {{ which }}
    )
{%- endmacro %}
