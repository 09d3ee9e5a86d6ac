select
    person.tenant,
    person.id,
    person.name,
    person.email
from {{ ref('marts__roster_users') }} as person
where
    person.name is not null
    and exists (
        select 1 as found
        from {{ ref('marts__person_roles') }} as held
        where
            held.person_id = person.id
            and {{ same_tenant('held', 'person') }}
            and held.role in ('teacher', 'principal')
    )
