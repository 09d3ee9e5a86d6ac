-- Named themselves, or as members of a group that is.
{% for side, people, groups in [
    ('learner', 'assignments__learners', 'assignments__learner_groups'),
    ('observer', 'assignments__observers', 'assignments__observer_groups'),
] %}
select
    named.org_id,
    named._id as assignment_id,
    '{{ side }}' as side,
    person.employee_id
from {{ snapshot_of(people) }} as named
inner join {{ ref('marts__snapshot_people') }} as person
    on named.org_id = person.org_id and named.user_id = person.user_id

union

select
    named.org_id,
    named._id as assignment_id,
    '{{ side }}' as side,
    person.employee_id
from {{ snapshot_of(groups) }} as named
inner join {{ snapshot_of('users__groups') }} as member
    on named.org_id = member.org_id and named.group_id = member.group_id
inner join {{ ref('marts__snapshot_people') }} as person
    on member.org_id = person.org_id and member._id = person.user_id
{{ 'union' if not loop.last }}
{% endfor %}
