select
    affiliation.org_id,
    affiliation.learner_employee_id,
    affiliation.observer_employee_id,
    affiliation.affiliation_type,
    affiliation.date_created,
    affiliation.date_deleted,
    affiliation.source,
    affiliation.as_of_day,
    affiliation.date_deleted is null as is_open
from {{ ref('marts__merged_user_affiliations') }} as affiliation
