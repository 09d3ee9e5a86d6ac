"""An observation as the rows of the export's observation files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edreflect_assets.sample.context import Context, flag
from edreflect_assets.sample.tables import Row

if TYPE_CHECKING:
    from edreflect_assets.sample.observations import Observation

MODIFIED = "Observation_Modified.csv"


def publish(context: Context, observation: Observation) -> None:
    """Put the observation's present rows into every file that holds some and name it as modified."""
    tables, key = context.tables, observation.id
    context.touch(MODIFIED, key)
    tables.put("Observations.csv", _observation(observation))
    for row in _steps(observation):
        tables.put("Observation_Steps.csv", row)
    tables.put_list("Observation_Answers.csv", key, _answers(observation))
    comments = [
        {"indicator_id": indicator_id, "commenter_employee_id": commenter, "comment": comment}
        for indicator_id, commenter, comment in observation.comments
    ]
    tables.put_list("Observation_Comments.csv", key, comments)
    feedback = [dict(zip(("feedback", "next_steps", "observer_notes"), observation.feedback or (), strict=False))]
    tables.put_list("Observation_Feedback.csv", key, feedback if observation.feedback else [])
    forms = [
        {"step_id": step.id, "form_id": step.form.id, "form_name": step.form.name, "form_type": step.form.type}
        for step in observation.steps
    ]
    tables.put_list("Observation_Forms.csv", key, forms)
    participants = [
        {"employee_id": observation.learner.employee_id, "participant_role": "learner"},
        {"employee_id": observation.observer.employee_id, "participant_role": "observer"},
    ]
    tables.put_list("Observation_Participants.csv", key, participants)
    tables.put_list("Ratings.csv", key, _ratings(observation))
    tables.put_list("Aggregated_Observation_Ratings.csv", key, _averages(observation))
    snapshots = [{"snapshot_id": snapshot_id, "step_id": step_id} for snapshot_id, step_id, _ in observation.snapshots]
    tables.put_list("Observation_Snapshots.csv", key, snapshots)
    snapshot_averages = [
        {
            "snapshot_id": snapshot_id,
            "indicator_id": indicator_id,
            "average_rating": average,
            "observation_school_year": observation.school_year,
        }
        for snapshot_id, _, averages in observation.snapshots
        for indicator_id, average in averages.items()
    ]
    tables.put_list("Aggregated_Snapshot_Ratings.csv", key, snapshot_averages)


def _observation(observation: Observation) -> Row:
    return {
        "observation_group_id": observation.id,
        "observation_template_id": observation.template.id,
        "observation_template_name": observation.template.name,
        "learner_employee_id": observation.learner.employee_id,
        "observer_employee_id": observation.observer.employee_id,
        "school_year": observation.school_year,
        "school_year_id": observation.school_year_id,
        "observation_status": observation.status,
        "observation_type": observation.template.type,
        "observation_created_date": observation.created,
        "observation_scheduled_date": observation.scheduled,
        "observation_completed_date": observation.completed,
        "observation_is_deleted": flag(observation.deleted),
    }


def _steps(observation: Observation) -> list[Row]:
    return [
        {
            "step_id": step.id,
            "observation_group_id": observation.id,
            "step_name": step.name,
            "step_type": step.form.type,
            "step_order": str(step.order),
            "step_status": "completed" if step.completed else "scheduled",
            "step_scheduled_date": step.scheduled,
            "step_completed_date": step.completed,
        }
        for step in observation.steps
    ]


def _answers(observation: Observation) -> list[Row]:
    return [
        {
            "step_id": step.id,
            "form_id": step.form.id,
            "question_id": question_id,
            "question_text": text,
            "answer_text": step.answers[question_id],
            "answered_by_employee_id": observation.learner.employee_id,
        }
        for step in observation.steps
        for question_id, text in step.form.questions
        if question_id in step.answers
    ]


def _ratings(observation: Observation) -> list[Row]:
    return [
        {
            "rating_id": rating.id,
            "step_id": rating.step_id,
            "rubric_id": observation.rubric.id,
            "indicator_id": rating.indicator_id,
            "proficiency_level_id": rating.level_id,
            "rating_value": str(rating.place + 1),
            "rated_by_employee_id": observation.observer.employee_id,
            "rated_date": rating.date,
        }
        for rating in observation.ratings
    ]


def _averages(observation: Observation) -> list[Row]:
    values: dict[str, list[int]] = {}
    for rating in observation.ratings:
        values.setdefault(rating.indicator_id, []).append(rating.place + 1)
    return [
        {
            "learner_employee_id": observation.learner.employee_id,
            "rubric_id": observation.rubric.id,
            "indicator_id": indicator_id,
            "average_rating": f"{sum(given) / len(given):.2f}",
            "rating_count": str(len(given)),
            "school_year": observation.school_year,
        }
        for indicator_id, given in values.items()
    ]
