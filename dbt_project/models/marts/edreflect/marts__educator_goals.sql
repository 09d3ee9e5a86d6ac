select
    goal.org_id,
    goal.goal_id,
    goal.employee_id,
    goal.goal_title,
    goal.goal_description,
    goal.goal_status,
    goal.school_year,
    goal.goal_created_date,
    goal.goal_due_date,
    goal.goal_completed_date,
    array(
        select distinct aim.indicator_id
        from {{ ref('marts__merged_goals_indicators') }} as aim
        where aim.org_id = goal.org_id and aim.goal_id = goal.goal_id and aim.indicator_id is not null
        order by aim.indicator_id
    ) as indicator_ids,
    array(
        select distinct aim.rubric_id
        from {{ ref('marts__merged_goals_indicators') }} as aim
        where aim.org_id = goal.org_id and aim.goal_id = goal.goal_id and aim.rubric_id is not null
        order by aim.rubric_id
    ) as rubric_ids,
    (
        select count(*)::integer
        from {{ ref('marts__merged_goal_posts') }} as post
        where post.org_id = goal.org_id and post.goal_id = goal.goal_id
    ) as post_count,
    (
        select count(*)::integer
        from {{ ref('marts__merged_goals_questions') }} as question
        where question.org_id = goal.org_id and question.goal_id = goal.goal_id
    ) as question_count,
    (
        select count(question.answer_text)::integer
        from {{ ref('marts__merged_goals_questions') }} as question
        where question.org_id = goal.org_id and question.goal_id = goal.goal_id
    ) as answered_question_count,
    goal.source,
    goal.as_of_day
from {{ ref('marts__merged_goals') }} as goal
