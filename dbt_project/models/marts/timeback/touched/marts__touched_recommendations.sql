select distinct
    recommendation.tenant,
    recommendation.id
from {{ changes_for('marts__recommendations', ref('timeback__insights_recommendation')) }} as recommendation
