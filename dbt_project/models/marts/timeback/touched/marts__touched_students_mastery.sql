-- From the application to the credential: whatever changes on the way concerns all credentials below it.
with items as (
    select
        item.tenant,
        item.identifier
    from {{ changes_for('marts__students_mastery', ref('timeback__cf_item')) }} as item
    union
    select
        item.tenant,
        item.identifier
    from
        {{ changes_for('marts__students_mastery', ref('timeback__lti_application_curriculum_scope')) }}
            as scope -- noqa: RF04
    inner join {{ newest_in_tenant(ref('timeback__cf_item')) }} as item
        on scope.cf_document_id = item.cf_document_id and {{ same_tenant('scope', 'item') }}
),

achievements as (
    select
        achievement.tenant,
        achievement.id
    from {{ changes_for('marts__students_mastery', ref('timeback__clr_achievement')) }} as achievement
    union
    select
        achievement.tenant,
        achievement.id
    from items
    inner join {{ newest_in_tenant(ref('timeback__clr_achievement')) }} as achievement
        on items.identifier = achievement.cf_item_id and {{ same_tenant('items', 'achievement') }}
)

select
    credential.tenant,
    credential.id as credential_id
from {{ changes_for('marts__students_mastery', ref('timeback__clr_achievement_credential')) }} as credential
union
select
    credential.tenant,
    credential.id as credential_id
from achievements
inner join {{ newest_in_tenant(ref('timeback__clr_achievement_credential')) }} as credential
    on achievements.id = credential.achievement_id and {{ same_tenant('achievements', 'credential') }}
