select
    affiliation.org_id,
    affiliation.learner_employee_id,
    affiliation.observer_employee_id,
    affiliation.affiliation_type,
    affiliation.date_created,
    affiliation.date_deleted,
    affiliation.date_deleted is null as is_open,
    affiliation.source,
    affiliation.as_of_day
from {{ ref('marts__merged_user_affiliations') }} as affiliation
