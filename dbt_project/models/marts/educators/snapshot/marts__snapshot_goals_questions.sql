select
    question.org_id,
    question._id as goal_id,
    question.question_id,
    question.question as question_text,
    question.answer as answer_text,
    question._day as as_of_day
from {{ snapshot_of('goals__questions') }} as question
