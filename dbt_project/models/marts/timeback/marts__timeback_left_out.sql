-- What the published views cannot show, because a column that is never null there would be empty, or because it ends
-- before it starts. What no view would show anyway, such as a second attempt, is not in here.
with attempts as (
    select
        attempt.tenant,
        attempt.org_id,
        'attempts' as view_name,
        attempt.id as record_id,
        'an attempt without a student or a resource' as reason
    from {{ newest_in_tenant(ref('timeback__caliper_attempt')) }} as attempt
    where coalesce(attempt.count, 1) = 1 and (attempt.assignee_id is null or attempt.assignable_id is null)
),

reversed_attempts as (
    select
        attempt.tenant,
        attempt.org_id,
        'attempts' as view_name,
        attempt.id as record_id,
        'an attempt that ends before it starts' as reason
    from {{ newest_in_tenant(ref('timeback__caliper_attempt')) }} as attempt
    where
        coalesce(attempt.count, 1) = 1
        and attempt.assignee_id is not null
        and attempt.assignable_id is not null
        and attempt.ended_at_time < attempt.started_at_time
        and (
            attempt.count = 1
            or not exists (
                select 1 as found
                from {{ newest_in_tenant(ref('timeback__caliper_attempt')) }} as earlier
                where
                    earlier.assignee_id = attempt.assignee_id
                    and earlier.assignable_id = attempt.assignable_id
                    and {{ same_tenant('earlier', 'attempt') }}
                    and (earlier.started_at_time, earlier.id collate "C") -- noqa: RF02,RF03
                    < (attempt.started_at_time, attempt.id collate "C") -- noqa: RF02,RF03
            )
        )
),

sessions as (
    select
        learning_session.tenant,
        learning_session.org_id,
        'sessions' as view_name,
        learning_session.id as record_id,
        case
            when learning_session.started_at_time is null then 'a session without a start'
            else 'a session that ends before it starts'
        end as reason
    from {{ newest_in_tenant(ref('timeback__caliper_session')) }} as learning_session
    where
        learning_session.started_at_time is null
        or learning_session.ended_at_time < learning_session.started_at_time
),

qualified_insights as (
    {{ qualified_insights(newest_in_tenant(ref('timeback__insights_session'))) }}
),

-- whether a review would have confirmed them is not asked
lost_insights as (
    select
        insight.tenant,
        insight.org_id,
        insight.id,
        kind.category,
        kind.is_waste,
        false as is_proctored,
        'an insight of a session that is not known' as reason
    from {{ newest_in_tenant(ref('timeback__insights_insight')) }} as insight
    inner join {{ newest_in_tenant(ref('timeback__insights_type')) }} as kind
        on insight.insight_type_id = kind.id and {{ same_tenant('insight', 'kind') }}
    left join {{ newest_in_tenant(ref('timeback__insights_session')) }} as watched
        on insight.insights_session_id = watched.id and {{ same_tenant('insight', 'watched') }}
    where
        insight.is_visible
        and kind.visibility = 'external'
        and kind.category in ('Engagement', 'Proctoring', 'Cheating')
        and watched.id is null
),

incomplete_insights as (
    select
        insight.tenant,
        insight.org_id,
        insight.id,
        insight.category,
        insight.is_waste,
        insight.is_proctored,
        case
            when insight.ended_at_time < insight.started_at_time then 'an insight that ends before it starts'
            else 'an insight without a session, kind, start, end or words'
        end as reason
    from qualified_insights as insight
    where not ({{ is_whole_insight('insight') }})
    union all
    select * from lost_insights
),

-- one by one, since a view's name that is known beforehand lets whoever asks for another skip it
waste_insights as (
    select
        insight.tenant,
        insight.org_id,
        'waste_insights' as view_name,
        insight.id::text as record_id,
        insight.reason
    from incomplete_insights as insight
    where insight.is_waste
),

cheating_insights as (
    select
        insight.tenant,
        insight.org_id,
        'cheating_insights' as view_name,
        insight.id::text as record_id,
        insight.reason
    from incomplete_insights as insight
    where insight.category = 'Cheating'
),

proctoring_insights as (
    select
        insight.tenant,
        insight.org_id,
        'proctoring_insights' as view_name,
        insight.id::text as record_id,
        insight.reason
    from incomplete_insights as insight
    where insight.category = 'Proctoring' and insight.is_proctored
),

journals as (
    select
        insight.tenant,
        insight.org_id,
        'student_journals' as view_name,
        insight.id::text as record_id,
        'a journal entry without a student, session, application or time' as reason
    from {{ newest_in_tenant(ref('timeback__insights_insight')) }} as insight
    inner join {{ newest_in_tenant(ref('timeback__insights_type')) }} as kind
        on insight.insight_type_id = kind.id and {{ same_tenant('insight', 'kind') }}
    left join {{ newest_in_tenant(ref('timeback__insights_session')) }} as watched
        on insight.insights_session_id = watched.id and {{ same_tenant('insight', 'watched') }}
    where
        kind.slug = 'Journal'
        and kind.visibility = 'external'
        and insight.reason is not null
        and (
            watched.user_id is null
            or watched.caliper_session_id is null
            or watched.application_id is null
            or insight.started_at_time is null
        )
),

points as (
    select
        entry.tenant,
        entry.org_id,
        'students_xp' as view_name,
        entry.id::text as record_id,
        'an entry without a student, application or value' as reason
    from {{ newest_in_tenant(ref('timeback__tb_xp_ledger')) }} as entry
    where entry.user_id is null or entry.application_id is null or entry.value is null
),

credentials as (
    select
        credential.tenant,
        credential.org_id,
        'students_mastery' as view_name,
        credential.id::text as record_id,
        'a credential without a student' as reason
    from {{ newest_in_tenant(ref('timeback__clr_achievement_credential')) }} as credential
    inner join {{ newest_in_tenant(ref('timeback__clr_achievement')) }} as achievement
        on credential.achievement_id = achievement.id and {{ same_tenant('credential', 'achievement') }}
    where
        credential.credential_subject_id is null
        and achievement.achievement_type in ('standard-mastery', 'curriculum-mastery')
),

recommendations as (
    select
        recommendation.tenant,
        recommendation.org_id,
        'recommendations' as view_name,
        recommendation.id::text as record_id,
        'a recommendation without a student, type, source, text or time' as reason
    from {{ newest_in_tenant(ref('timeback__insights_recommendation')) }} as recommendation
    where
        recommendation.visibility = 'student'
        and (
            recommendation.user_id is null
            or recommendation.type is null
            or recommendation.source is null
            or recommendation.content is null
            or recommendation.generated_at is null
        )
),

subjects as (
    select
        subject.tenant,
        subject.org_id,
        'case_subjects' as view_name,
        subject.identifier::text as record_id,
        'a subject without a title or code' as reason
    from {{ newest_in_tenant(ref('timeback__cf_subject')) }} as subject
    where subject.title is null or subject.hierarchy_code is null
),

grades as (
    select
        grade.tenant,
        grade.org_id,
        'grades' as view_name,
        grade.id::text as record_id,
        'a grade level without a code, label or place' as reason
    from {{ newest_in_tenant(ref('timeback__placement_grade')) }} as grade
    where grade.grade_primary_identifier is null or grade.label is null or grade.order_number is null
),

applications as (
    select
        application.tenant,
        application.org_id,
        'learning_apps' as view_name,
        application.id::text as record_id,
        'an application without a name' as reason
    from {{ newest_in_tenant(ref('timeback__lti_application')) }} as application
    where application.name is null
)

select * from attempts
union all
select * from reversed_attempts
union all
select * from sessions
union all
select * from waste_insights
union all
select * from cheating_insights
union all
select * from proctoring_insights
union all
select * from journals
union all
select * from points
union all
select * from credentials
union all
select * from recommendations
union all
select * from subjects
union all
select * from grades
union all
select * from applications
