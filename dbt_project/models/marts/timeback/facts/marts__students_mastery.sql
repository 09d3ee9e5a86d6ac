{{ config(
    meta={'groups': ['credential_id']},
    indexes=[
        {'columns': ['credential_id', 'tenant'], 'unique': true},
        {'columns': ['student_id', 'mastery_timestamp']},
    ],
) }}
-- depends_on: {{ ref('marts__touched_students_mastery') }}
-- of several applications that cover a document, the lowest id
with applications as (
    select distinct on (scope.cf_document_id, scope.tenant)
        scope.tenant,
        scope.cf_document_id,
        scope.lti_application_id
    from {{ newest_in_tenant(ref('timeback__lti_application_curriculum_scope')) }} as scope -- noqa: RF04
    order by scope.cf_document_id, scope.tenant, scope.lti_application_id
)

select
    credential.tenant,
    credential.credential_subject_id as student_id,
    achievement.cf_item_id as curriculum_item_id,
    credential.awarded_date as mastery_timestamp,
    application.lti_application_id as learning_app_id,
    credential.id as credential_id,
    round(credential.result_value * 100, 2) as mastery_percentage
from {{ newest_in_tenant(ref('timeback__clr_achievement_credential')) }} as credential
{{ only_touched('credential', {'credential_id': 'id'}) }}
inner join {{ newest_in_tenant(ref('timeback__clr_achievement')) }} as achievement
    on credential.achievement_id = achievement.id and {{ same_tenant('credential', 'achievement') }}
left join {{ newest_in_tenant(ref('timeback__cf_item')) }} as item
    on achievement.cf_item_id = item.identifier and {{ same_tenant('achievement', 'item') }}
left join applications as application
    on item.cf_document_id = application.cf_document_id and {{ same_tenant('item', 'application') }}
where
    credential.credential_subject_id is not null
    and achievement.achievement_type in ('standard-mastery', 'curriculum-mastery')
