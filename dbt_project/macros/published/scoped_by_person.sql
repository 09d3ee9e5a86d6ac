{#
    The select of a published view whose rows are about people: the rows of a mart about a person who has one of the
    organizations that the reader may see. The one place where the scope of people is resolved: organizations of the reader
    (access.allowed_organizations()) and of the person (marts.person_orgs) meet, each with its tenant.

    Takes the mart, which has a column tenant, and the name of its column that holds the person. The columns are those
    documented for the published view, in that order: what is not in the catalogue is not published. org_ids, where the
    view has it, is made here: the organizations that reader and person share, sorted.
    Two arms, of which one has rows: a reader who sees everyone also sees people without any organization, which no join
    finds. unnest() of the function in FROM runs once and tells the planner how large the scope is; people are grouped by
    their id alone, whose number it can reckon with. org_ids is made outside of the arms, where it costs nothing to those
    who do not ask for it.
    `by_person` is for marts that put a person's rows together (distinct, group by), or that join more relations than the
    planner puts in order (join_collapse_limit): their rows are asked for one person after the other, since a join is not
    carried into such a view, and all of it would be put together first. The offset keeps Postgres from making a join of it
    again.
    The arms stand within a select of their own: Postgres takes a view that is itself a UNION ALL apart before it minds the
    security barrier, and a function of the reader's would be shown rows out of scope.
#}
{% macro scoped_by_person(mart, person_column, by_person=false) %}
{%- set person_orgs = ref('marts__person_orgs') -%}
{%- set allowed = 'unnest(access.allowed_organizations()) as allowed (tenant, organization_id)' -%}
{%- set published = model.columns | list -%}
select
    {%- for name in published if name != 'org_ids' %}
    scoped.{{ name }}{{ ',' if not loop.last }}
    {%- endfor %}
    {%- if 'org_ids' in published %},
    array(
        select shared.organization_id
        from {{ person_orgs }} as shared
        where
            shared.person_id = scoped.scope_person_id
            and shared.tenant = scoped.scope_tenant
            and (
                (select access.sees_everyone())
                or (shared.tenant, shared.organization_id) in (
                    select allowed.tenant, allowed.organization_id from {{ allowed }}
                )
            )
        order by shared.organization_id
    ) as org_ids
    {%- endif %}
from (
    {{ rows_of_people(mart, person_column, published) }}
    where (select access.sees_everyone())
    union all
    {%- if by_person %}
    select visible.*
    from (
        {{ people_in_scope() }}
    ) as person
    cross join lateral (
        {{ rows_of_people(mart, person_column, published) | indent(4) }}
        where
            visible.{{ person_column }} = person.person_id
            and coalesce(visible.tenant = any(person.tenants), false)
        offset 0
    ) as visible
    {%- else %}
    {{ rows_of_people(mart, person_column, published) }}
    inner join (
        {{ people_in_scope() }}
    ) as person on visible.{{ person_column }} = person.person_id and coalesce(visible.tenant = any(person.tenants), false)
    {%- endif %}
) as scoped
{% endmacro %}

{# The people who have one of the organizations that the reader may see, each with the tenants in which they do. #}
{% macro people_in_scope() -%}
select
            person_org.person_id,
            array_agg(person_org.tenant) as tenants
        from unnest(access.allowed_organizations()) as allowed (tenant, organization_id)
        inner join {{ ref('marts__person_orgs') }} as person_org
            on allowed.organization_id = person_org.organization_id and {{ same_tenant('allowed', 'person_org') }}
        group by person_org.person_id
{%- endmacro %}

{% macro rows_of_people(mart, person_column, published) -%}
select
        visible.tenant as scope_tenant,
        visible.{{ person_column }} as scope_person_id
        {%- for name in published if name != 'org_ids' %},
        visible.{{ name }}
        {%- endfor %}
    from {{ mart }} as visible
{%- endmacro %}

{# The select of a published view that every reader may see whole: the documented columns of a mart, in their order. #}
{% macro open_to_readers(mart) %}
select
    {%- for name in model.columns %}
    visible.{{ name }}{{ ',' if not loop.last }}
    {%- endfor %}
from {{ mart }} as visible
{% endmacro %}
