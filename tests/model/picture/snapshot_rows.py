"""The rows of a snapshot in the columns of the daily export."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

from tests.model.picture.log import Row
from tests.model.picture.snapshot import Held
from tests.model.records import Value


def rows_of(snapshot: Held, table: str) -> list[Row]:
    """Return what a snapshot says in the columns of a table of the daily export."""
    return list(ROWS[table](snapshot))


def _observations(s: Held) -> Iterable[Row]:
    for o in s.of("observations"):
        year: Any = o["school_year"]
        template = s.of("observationTemplates", _id=o["observation_template_id"])
        yield {
            "observation_group_id": o["_id"], "observation_template_id": o["observation_template_id"],
            "observation_template_name": template[0]["name"] if template else None,
            "learner_employee_id": s.number(o["learner_id"]), "observer_employee_id": s.number(o["observer_id"]),
            "school_year": year, "school_year_id": year - 2009 if year and 2009 <= year <= 2999 else None,
            "observation_status": o["status"], "observation_type": o["type"], "observation_created_date": o["created_date"],
            "observation_scheduled_date": o["scheduled_date"], "observation_completed_date": o["completed_date"],
            "observation_is_deleted": o["is_deleted"],
        }  # fmt: skip


def _observation_steps(s: Held) -> Iterable[Row]:
    """A step that stands below several people's work counts once, as far as it has come."""
    steps: dict[tuple[Value, Value], list[Row]] = {}
    for step in s.of("observations.work.steps"):
        steps.setdefault((step["_id"], step["step_id"]), []).append(step)
    for (observation, _), several in steps.items():
        step = min(
            several,
            key=lambda each: (
                _latest(each["completed_date"]),
                _latest(each["scheduled_date"]),
                each["status"],
                each["name"],
            ),
        )
        yield {
            "step_id": step["step_id"], "observation_group_id": observation, "step_name": step["name"], "step_type": step["type"],
            "step_order": step["order"], "step_status": step["status"], "step_scheduled_date": step["scheduled_date"],
            "step_completed_date": step["completed_date"],
        }  # fmt: skip


def _latest(moment: Value) -> float:
    return -moment.timestamp() if isinstance(moment, datetime) else float("inf")


def _observation_feedback(s: Held) -> Iterable[Row]:
    for work in s.of("observations.work"):
        said = {column: work[column] for column in ("feedback", "next_steps", "observer_notes")}
        if any(value is not None for value in said.values()):
            yield {"observation_group_id": work["_id"], **said}


def _observation_comments(s: Held) -> Iterable[Row]:
    for remark in s.of("observations.work.evaluations.indicators.comments"):
        yield {
            "observation_group_id": remark["_id"], "indicator_id": remark["indicator_id"],
            "commenter_employee_id": s.number(remark["user_id"]), "comment": remark["text"],
        }  # fmt: skip


def _ratings(s: Held) -> Iterable[Row]:
    for document in s.of("ratings"):
        for place in s.of("ratings.sets", _id=document["_id"]):
            for rating in s.of("ratings.sets.ratings", _id=document["_id"], set_id=place["set_id"]):
                yield {
                    "observation_group_id": document["observation_id"], "rating_id": rating["rating_id"], "step_id": place["step_id"],
                    "rubric_id": place["rubric_id"], "indicator_id": rating["indicator_id"],
                    "proficiency_level_id": rating["proficiency_level_id"], "rating_value": rating["value"],
                    "rated_by_employee_id": s.number(document["user_id"]),
                    "rated_date": rating["rated_date"] or document["created_date"],
                }  # fmt: skip


def _goals(s: Held) -> Iterable[Row]:
    """A goal is its owner's, whether or not the owner has a number; without people, its author's."""
    for goal in s.of("goals"):
        people = sorted(
            s.of("goals.users", _id=goal["_id"]),
            key=lambda member: (member["role"] != "owner", str(s.number(member["user_id"]))),
        )
        yield {
            "goal_id": goal["_id"], "employee_id": s.number(people[0]["user_id"] if people else goal["created_by"]),
            "goal_title": goal["title"], "goal_description": goal["description"], "goal_status": goal["status"],
            "school_year": goal["school_year"], "goal_created_date": goal["created_date"], "goal_due_date": goal["due_date"],
            "goal_completed_date": goal["completed_date"],
        }  # fmt: skip


def _goals_indicators(s: Held) -> Iterable[Row]:
    for aim in s.of("goals.alignedIndicators"):
        yield {"goal_id": aim["_id"], "indicator_id": aim["indicator_id"], "rubric_id": aim["rubric_id"]}


def _goal_posts(s: Held) -> Iterable[Row]:
    for post in s.of("goals.posts"):
        author = s.number(post["user_id"])
        yield {
            "goal_id": post["_id"],
            "post_id": post["post_id"],
            "author_employee_id": author,
            "post_text": post["text"],
        }


def _goals_questions(s: Held) -> Iterable[Row]:
    for each in s.of("goals.questions"):
        texts = {"question_text": each["question"], "answer_text": each["answer"]}
        yield {"goal_id": each["_id"], "question_id": each["question_id"], **texts}


def _rubrics(s: Held) -> Iterable[Row]:
    for rubric in s.of("rubrics"):
        yield {
            "rubric_id": rubric["_id"], "rubric_name": rubric["name"], "rubric_type": rubric["type"],
            "is_active": rubric["is_active"], "school_year": rubric["school_year"],
        }  # fmt: skip


def _indicators(s: Held) -> Iterable[Row]:
    for line in s.of("rubrics.indicators"):
        yield {
            "rubric_id": line["_id"], "indicator_id": line["indicator_id"], "parent_indicator_id": line["parent_indicator_id"],
            "indicator_code": line["code"], "indicator_name": line["name"], "indicator_level": line["level"],
            "indicator_order": line["order"],
        }  # fmt: skip


def _indicator_proficiency_levels(s: Held) -> Iterable[Row]:
    for rung in s.of("rubrics.indicators.proficiencyLevels"):
        yield {
            "rubric_id": rung["_id"], "indicator_id": rung["indicator_id"], "proficiency_level_id": rung["proficiency_level_id"],
            "level_name": rung["name"], "level_value": rung["value"], "level_description": rung["description"],
        }  # fmt: skip


def _slos(s: Held) -> Iterable[Row]:
    for slo in s.of("slos"):
        yield {
            "slo_id": slo["_id"], "slo_template_id": slo["slo_template_id"], "employee_id": s.number(slo["user_id"]),
            "slo_title": slo["title"], "slo_status": slo["status"], "school_year": slo["school_year"],
            "slo_created_date": slo["created_date"], "slo_modified_date": slo["modified_date"],
        }  # fmt: skip


def _slo_assessments(s: Held) -> Iterable[Row]:
    for item in s.of("slos.answers.assessments"):
        yield {
            "slo_id": item["_id"], "slo_assessment_id": item["assessment_id"], "slo_assessment_name": item["name"],
            "slo_assessment_order": item["order"],
        }  # fmt: skip


def _aggregated_slo_assessments(s: Held) -> Iterable[Row]:
    """The first measure of an assessment and its latest rating."""
    for item in s.of("slos.answers.assessments"):
        own = {"_id": item["_id"], "assessment_id": item["assessment_id"]}
        measures = sorted(s.of("slos.answers.assessments.measures", **own), key=lambda each: str(each["measure_id"]))
        ratings = sorted(s.of("slos.answers.assessments.ratings", **own), key=lambda each: _latest(each["rated_date"]))
        if measures:
            yield {
                "slo_id": item["_id"], "slo_assessment_id": item["assessment_id"], "measure_name": measures[0]["name"],
                "target_value": measures[0]["target_value"], "actual_value": measures[0]["actual_value"],
                "rating_value": ratings[0]["value"] if ratings else None,
            }  # fmt: skip


def _snapshots(s: Held) -> Iterable[Row]:
    for snapshot in s.of("snapshots"):
        yield {
            "snapshot_id": snapshot["_id"], "snapshot_name": snapshot["name"], "learner_employee_id": s.number(snapshot["user_id"]),
            "created_by_employee_id": s.number(snapshot["created_by"]), "school_year": snapshot["school_year"],
            "snapshot_created_date": snapshot["created_date"],
        }  # fmt: skip


def _snapshots_ratings(s: Held) -> Iterable[Row]:
    for rating in s.of("snapshots.indexes"):
        said = {"proficiency_level_id": rating["proficiency_level_id"], "rating_value": rating["value"]}
        yield {"snapshot_id": rating["_id"], "indicator_id": rating["indicator_id"], **said}


def _aggregated_eoy_snapshots(s: Held) -> Iterable[Row]:
    for judgement in s.of("eoyClassifications"):
        yield {
            "snapshot_id": judgement["snapshot_id"], "learner_employee_id": s.number(judgement["user_id"]),
            "classification": judgement["classification"], "average_rating": judgement["average_rating"],
            "school_year": judgement["school_year"],
        }  # fmt: skip


def _user_artifacts(s: Held) -> Iterable[Row]:
    for artifact in s.of("artifacts"):
        if artifact["is_deleted"] is not True:
            yield {
                "artifact_id": artifact["_id"], "employee_id": s.number(artifact["user_id"]), "artifact_name": artifact["name"],
                "artifact_type": artifact["type"], "artifact_url": artifact["url"], "artifact_created_date": artifact["created_date"],
            }  # fmt: skip


def _user_accounts(s: Held) -> Iterable[Row]:
    for person in s.of("users"):
        if s.number(person["_id"]) is not None:
            yield {
                "employee_id": s.number(person["_id"]), "user_id": person["_id"], "email": person["email"], "first_name": person["fname"],
                "last_name": person["lname"], "is_active": person["is_active"], "title": None, "created_date": person["created_date"],
            }  # fmt: skip


def _of_people(s: Held, file: str) -> Iterable[tuple[Row, Row]]:
    for item in s.of(file):
        if s.number(item["_id"]) is not None:
            yield {"employee_id": s.number(item["_id"])}, item


def _user_grades(s: Held) -> Iterable[Row]:
    return ({**own, "grade": item["grade"]} for own, item in _of_people(s, "users.grades"))


def _user_subjects(s: Held) -> Iterable[Row]:
    return ({**own, "subject": item["content_area"]} for own, item in _of_people(s, "users.contentAreas"))


def _user_groups(s: Held) -> Iterable[Row]:
    for own, item in _of_people(s, "users.groups"):
        known = s.of("groups", _id=item["group_id"])
        yield {**own, "group_id": item["group_id"], "group_name": known[0]["name"] if known else None}


def _user_roles(s: Held) -> Iterable[Row]:
    for own, item in _of_people(s, "users.roles"):
        role = {"role_id": item["role_id"], "role_name": item["name"]}
        yield {
            **own,
            **role,
            "organization_id": item["organization_id"],
            "organization_name": item["organization_name"],
        }


def assigned(s: Held, assignment: Value, side: str) -> set[str]:
    """Return the numbers of those assigned, by name or as members of a group."""
    users = {row["user_id"] for row in s.of(f"assignments.{side}s", _id=assignment)}
    groups = {row["group_id"] for row in s.of(f"assignments.{side}Groups", _id=assignment)}
    users |= {row["_id"] for row in s.of("users.groups") if row["group_id"] in groups}
    return {str(s.number(user)) for user in users if s.number(user) is not None}


def _user_affiliations(s: Held) -> Iterable[Row]:
    """Every assignment ties its observers to its learners, until the last one ends."""
    ties: dict[tuple[str, str], list[Row]] = {}
    for each in s.of("assignments"):
        for learner in assigned(s, each["_id"], "learner"):
            for observer in assigned(s, each["_id"], "observer"):
                ties.setdefault((learner, observer), []).append(each)
    for (learner, observer), several in ties.items():
        several.sort(key=lambda each: (each["created_date"], each["_id"]))
        ends: list[Any] = [each["ended_date"] for each in several]
        yield {
            "learner_employee_id": learner, "observer_employee_id": observer, "affiliation_type": several[0]["type"],
            "date_created": several[0]["created_date"], "date_deleted": None if None in ends else max(ends),
        }  # fmt: skip


ROWS: dict[str, Callable[[Held], Iterable[Row]]] = {
    "observations": _observations, "observation_steps": _observation_steps, "observation_feedback": _observation_feedback,
    "observation_comments": _observation_comments, "ratings": _ratings, "goals": _goals,
    "goals_indicators": _goals_indicators, "goal_posts": _goal_posts, "goals_questions": _goals_questions,
    "rubrics": _rubrics, "indicators": _indicators, "indicator_proficiency_levels": _indicator_proficiency_levels,
    "slos": _slos, "slo_assessments": _slo_assessments, "aggregated_slo_assessments": _aggregated_slo_assessments,
    "snapshots": _snapshots, "snapshots_ratings": _snapshots_ratings, "aggregated_eoy_snapshots": _aggregated_eoy_snapshots,
    "user_artifacts": _user_artifacts, "user_accounts": _user_accounts, "user_grades": _user_grades,
    "user_subjects": _user_subjects, "user_groups": _user_groups, "user_roles": _user_roles,
    "user_affiliations": _user_affiliations,
}  # fmt: skip
