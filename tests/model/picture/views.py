"""The rows of every view of the educator picture."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from tests.model.picture import lists, snapshot_rows
from tests.model.picture.log import Row
from tests.model.picture.merged import Picture


def observations(picture: Picture) -> Iterable[Row]:
    for row in picture.table("observations"):
        if row["observation_is_deleted"] is not True:
            year, year_id = _year(row), row["school_year_id"]
            delivered: Any = row["school_year"]
            if year_id is None and delivered is not None and 2009 <= delivered <= 2999:
                year_id = delivered - 2009
            shown = {column: value for column, value in row.items() if column != "observation_is_deleted"}
            yield {**shown, "school_year": year, "school_year_id": year_id}


def _year(observation: dict[str, Any]) -> Any:
    if observation.get("school_year") is not None or observation.get("school_year_id") is None:
        return observation.get("school_year")
    return 2009 + observation["school_year_id"] if 0 <= observation["school_year_id"] <= 990 else None


def _observation(picture: Picture, row: Row) -> dict[str, Any] | None:
    """Return what a part of an observation says of it, None for one that is deleted, nothing for an unknown one."""
    found: dict[str, Any] = picture.one("observations", observation_group_id=row["observation_group_id"])
    if found.get("observation_is_deleted") is True:
        return None
    columns = ("observation_template_name", "learner_employee_id", "observer_employee_id", "observation_status")
    return {column: found.get(column) for column in columns} | {"school_year": _year(found)}


def observation_ratings(picture: Picture) -> Iterable[Row]:
    for row in picture.table("ratings"):
        about = _observation(picture, row)
        if about is None:
            continue
        step: dict[str, Any] = picture.one("observation_steps", step_id=row["step_id"])
        rubric: dict[str, Any] = picture.one("rubrics", rubric_id=row["rubric_id"])
        line: dict[str, Any] = next(
            (
                each
                for each in lists.lines(picture)
                if (each["rubric_id"], each["indicator_id"]) == (row["rubric_id"], row["indicator_id"])
            ),
            {},
        )
        same = {column: row[column] for column in ("rubric_id", "indicator_id", "proficiency_level_id")}
        rung: dict[str, Any] = picture.one("indicator_proficiency_levels", **same)
        rater, learner = row["rated_by_employee_id"], about["learner_employee_id"]
        del about["observation_template_name"]
        yield {
            **row, **about, "step_name": step.get("step_name"), "rubric_name": rubric.get("rubric_name"),
            "indicator_code": line.get("indicator_code"), "indicator_name": line.get("indicator_name"),
            "level_name": rung.get("level_name"), "level_value": rung.get("level_value"),
            "is_self_rating": None if rater is None or learner is None else rater == learner,
        }  # fmt: skip


def observation_feedback(picture: Picture) -> Iterable[Row]:
    """One row per entry; an observation that has comments only has one without an entry."""
    entries = [*picture.table("observation_feedback")]
    told = {entry["observation_group_id"] for entry in entries}
    for remark in picture.table("observation_comments"):
        if remark["observation_group_id"] not in told:
            told.add(remark["observation_group_id"])
            nothing = dict.fromkeys(("feedback", "next_steps", "observer_notes"))
            entries.append(
                {column: remark[column] for column in ("observation_group_id", "source", "as_of_day")} | nothing
            )
    for entry in entries:
        about = _observation(picture, entry)
        if about is not None:
            remarks = picture.all("observation_comments", observation_group_id=entry["observation_group_id"])
            columns = ("indicator_id", "commenter_employee_id", "comment")
            yield {**entry, **about, "comments": [{column: remark[column] for column in columns} for remark in remarks]}


def observation_steps(picture: Picture) -> Iterable[Row]:
    return (row for row in picture.table("observation_steps") if _observation(picture, row) is not None)


def observation_templates(picture: Picture) -> Iterable[Row]:
    """Those of the snapshot; of others what the youngest observation says."""
    known = picture.held.of("observationTemplates") if picture.held else []
    for template in known:
        assert picture.held is not None
        yield {
            "observation_template_id": template["_id"], "observation_template_name": template["name"],
            "observation_template_type": template["type"], "observation_template_description": template["description"],
            "school_year": template["school_year"], "is_active": template["is_active"],
            "observation_template_created_date": template["created_date"], "observation_template_modified_date": template["modified_date"],
            "activity_count": len(picture.held.of("observationTemplates.activities", _id=template["_id"])),
            "step_count": len(picture.held.of("observationTemplates.activities.steps", _id=template["_id"])),
            "source": "offboarding", "as_of_day": picture.held.day,
        }  # fmt: skip
    newest: dict[Any, Row] = {}
    order: Any = lambda row: (row["as_of_day"], row["observation_created_date"])  # noqa: E731
    by_source = sorted(picture.table("observations"), key=lambda row: str(row["source"]), reverse=True)
    for row in sorted(by_source, key=order):
        newest[row["observation_template_id"]] = row
    nothing = (
        "observation_template_type", "observation_template_description", "school_year", "is_active", "activity_count", "step_count",
        "observation_template_created_date", "observation_template_modified_date",
    )  # fmt: skip
    shown = ("observation_template_id", "observation_template_name", "source", "as_of_day")
    for template_id, row in newest.items():
        if template_id is not None and template_id not in {template["_id"] for template in known}:
            yield {**{column: row[column] for column in shown}, **dict.fromkeys(nothing)}


def educator_affiliations(picture: Picture) -> Iterable[Row]:
    return ({**row, "is_open": row["date_deleted"] is None} for row in picture.table("user_affiliations"))


def educator_groups(picture: Picture) -> Iterable[Row]:
    seen: list[Row] = []
    for row in picture.table("user_groups"):
        if row["group_id"] is not None and row not in seen:
            seen.append(row)
    return seen


def snapshots(picture: Picture) -> Iterable[Row]:
    for row in picture.table("snapshots"):
        ratings = picture.all("snapshots_ratings", snapshot_id=row["snapshot_id"])
        columns = ("indicator_id", "proficiency_level_id", "rating_value")
        yield {**row, "ratings": [{column: rating[column] for column in columns} for rating in ratings]}


def assignments(picture: Picture) -> Iterable[Row]:
    """One row per learner, one without if there is none."""
    held = picture.held
    for each in held.of("assignments") if held else ():
        assert held is not None
        template = held.of("observationTemplates", _id=each["observation_template_id"])
        for learner in sorted(snapshot_rows.assigned(held, each["_id"], "learner")) or [None]:
            yield {
                "assignment_id": each["_id"], "assignment_name": each["name"], "assignment_type": each["type"],
                "observation_template_id": each["observation_template_id"],
                "observation_template_name": template[0]["name"] if template else None, "learner_employee_id": learner,
                "observer_employee_ids": sorted(snapshot_rows.assigned(held, each["_id"], "observer")),
                "school_year": each["school_year"], "assignment_status": each["status"], "start_date": each["start_date"],
                "due_date": each["due_date"], "assignment_created_date": each["created_date"],
                "assignment_ended_date": each["ended_date"], "source": "offboarding", "as_of_day": held.day,
            }  # fmt: skip


def evidence(picture: Picture) -> Iterable[Row]:
    held = picture.held
    for each in held.of("evidences") if held else ():
        assert held is not None
        yield {
            "evidence_id": each["_id"], "learner_employee_id": held.number(each["user_id"]),
            "collected_by_employee_id": held.number(each["collected_by"]), "observation_group_id": each["observation_id"],
            "step_id": each["step_id"], "artifact_id": each["artifact_id"], "evidence_title": each["title"], "evidence_text": each["text"],
            "goal_ids": lists.distinct(held.of("evidences.goals", _id=each["_id"]), "goal_id"),
            "indicator_ids": lists.distinct(held.of("evidences.indicators", _id=each["_id"]), "indicator_id"),
            "evidence_created_date": each["created_date"], "evidence_modified_date": each["modified_date"],
            "source": "offboarding", "as_of_day": held.day,
        }  # fmt: skip


VIEWS: dict[str, Callable[[Picture], Iterable[Row]]] = {
    "observations": observations,
    "observation_ratings": observation_ratings,
    "observation_feedback": observation_feedback,
    "observation_steps": observation_steps,
    "observation_templates": observation_templates,
    "educators": lists.educators,
    "educator_affiliations": educator_affiliations,
    "educator_goals": lists.educator_goals,
    "educator_slos": lists.educator_slos,
    "educator_groups": educator_groups,
    "rubric_indicators": lists.rubric_indicators,
    "rubric_tree": lists.rubric_tree,
    "artifacts": lambda picture: picture.table("user_artifacts"),
    "snapshots": snapshots,
    "end_of_year_classifications": lambda picture: picture.table("aggregated_eoy_snapshots"),
    "assignments": assignments,
    "evidence": evidence,
    "person_conflicts": lists.person_conflicts,
}
