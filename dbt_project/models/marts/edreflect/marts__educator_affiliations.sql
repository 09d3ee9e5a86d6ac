select
    affiliation.org_id,
    affiliation.learner_employee_id,
    affiliation.observer_employee_id,
    affiliation.affiliation_type,
    affiliation.date_created,
    affiliation.date_deleted,
    affiliation.date_deleted is null as is_open
from {{ ref('edreflect__user_affiliations') }} as affiliation
