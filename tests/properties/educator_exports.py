"""What the daily export and the export from before the refresh say of a ``Source``."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from tests.model.records import columns_of
from tests.model.rules import DEPRECATED, RULES
from tests.properties.educator_chance import Document
from tests.properties.educator_ids import Row, old_id, written
from tests.properties.educator_source import KINDS, Source

Sheets = dict[str, list[Row]]

# Ids of these columns were given anew with the refresh; a template and a group are called otherwise in their maps.
OLD_IDS = {
    "artifact_id", "goal_id", "group_id", "indicator_id", "observation_group_id", "observation_template_id", "organization_id",
    "parent_indicator_id", "rubric_id", "slo_assessment_id", "slo_id", "slo_template_id", "snapshot_id", "step_id", "user_id",
}  # fmt: skip
OLD_HEADERS = {
    "learner_employee_id": "employee_id_learner",
    "observer_employee_id": "employee_id_observer",
    "observation_status": "observation_group_status",
    "indicator_name": "indicator_text",
}
NEW_COLUMNS = {("Observations.csv", "observation_is_deleted"), ("Aggregated_Eoy_Snapshots.csv", "school_year")}
REMOVED_COLUMNS = {
    "Observation_Feedback.csv": "feedback_date",
    "Observations.csv": "observation_accepted_date",
    "Goal_Posts.csv": "post_created_date",
    "User_Artifacts.csv": "uploaded_content_id",
}
FILES = (
    "Observation_Modified.csv", "Observations.csv", "Observation_Steps.csv", "Observation_Feedback.csv", "Observation_Comments.csv",
    "Ratings.csv", "Goals_Modified.csv", "Goals.csv", "Goals_Deleted.csv", "Goals_Indicators.csv", "Goal_Posts.csv",
    "Goals_Questions.csv", "Rubrics.csv", "Indicators.csv", "Indicator_Proficiency_Levels.csv", "Slos.csv", "Slo_Assessments.csv",
    "Aggregated_Slo_Assessments.csv", "Snapshots.csv", "Snapshots_Ratings.csv", "Aggregated_Eoy_Snapshots.csv",
    "User_Artifacts.csv", "User_Modified.csv", "User_Accounts.csv", "User_Grades.csv", "User_Groups.csv", "User_Roles.csv",
    "User_Subjects.csv", "User_Affiliations.csv",
)  # fmt: skip


def daily_export(source: Source) -> dict[str, bytes]:
    """Return the files of the day that the source just passed."""
    sheets = _sheets(source, source.touched)
    at = f"{source.today}T06:00:00"
    for file, key, kind in (
        ("Observation_Modified.csv", "observation_group_id", "observation"),
        ("Goals_Modified.csv", "goal_id", "goal"),
        ("User_Modified.csv", "employee_id", "person"),
    ):
        date_column = columns_of(RULES[file]).keys() - {key}
        sheets[file] = [{key: each, **dict.fromkeys(date_column, at)} for each in sorted(source.touched[kind], key=str)]
    sheets["Goals_Deleted.csv"] = [
        {"goal_id": goal, "goal_deleted_date": at} for goal in sorted(source.touched["goal_deleted"])
    ]
    return {file: written(list(columns_of(RULES[file])), sheets.get(file, ())) for file in FILES}


def legacy_export(source: Source, random: Random) -> dict[str, bytes]:
    """Return everything with the ids of that time, in the files as they were before the refresh."""
    everything = {kind: set(documents) for kind, documents in source.documents.items()}
    sheets = _sheets(
        source, everything | {"pair": set(source.pairs), "person": {p["number"] for p in source.people.values()}}
    )
    files = {file: _as_before(random, file, rows) for file, rows in sheets.items()}
    for file in DEPRECATED:
        files[file] = written(["template", "answer text"], [{"template": "3", "answer text": f"of {file}"}])
    return files


def _as_before(random: Random, file: str, rows: list[Row]) -> bytes:
    columns = [column for column in columns_of(RULES[file]) if (file, column) not in NEW_COLUMNS]
    if "school_year" in columns and random.random() < 0.5:
        columns = [
            "school_year_id" if column == "school_year" else column for column in columns if column != "school_year_id"
        ]
    if file in REMOVED_COLUMNS:
        columns.append(REMOVED_COLUMNS[file])
    before = []
    for row in rows:
        old = {column: old_id(value) if column in OLD_IDS and value else value for column, value in row.items()}
        if "school_year_id" in columns and "school_year" in row:
            old["school_year_id"] = str(int(row["school_year"] or 0) - 2009)
        old.setdefault(REMOVED_COLUMNS.get(file, ""), "2020-01-15T10:00:00")
        before.append({OLD_HEADERS.get(column, column): value for column, value in old.items()})
    return written([OLD_HEADERS.get(column, column) for column in columns], before)


def _sheets(source: Source, told: Mapping[str, set[str]]) -> Sheets:
    sheets: Sheets = {file: [] for file in FILES if RULES[file].load != "reference" and file != "Goals_Deleted.csv"}
    for kind in KINDS:
        for each in sorted(told.get(kind, ())):
            for file, rows in _WRITERS[kind](source, each, source.documents[kind][each]).items():
                sheets[file] += rows
    for user, person in source.people.items():
        if person["number"] in told.get("person", ()):
            for file, rows in _person(source, user, person).items():
                sheets[file] += rows
    for learner, observer in sorted(told.get("pair", ())):
        tie = source.pairs[learner, observer]
        pair = {"learner_employee_id": learner, "observer_employee_id": observer}
        dates = {"date_created": tie["created"], "date_deleted": tie["ended"]}
        sheets["User_Affiliations.csv"].append({**pair, "affiliation_type": tie["type"], **dates})
    return sheets


def _person(source: Source, user: str, person: Document) -> Sheets:
    own = {"employee_id": person["number"]}
    account = {
        "user_id": user, "email": person["email"], "first_name": person["first"], "last_name": person["last"],
        "is_active": str(person["active"]).lower(), "title": "Dr", "created_date": person["created"],
    }  # fmt: skip
    school = {"organization_id": person["school"], "organization_name": source.organizations[person["school"]]}
    return {
        "User_Accounts.csv": [own | account],
        "User_Grades.csv": [own | {"grade": grade} for grade in person["grades"]],
        "User_Groups.csv": [own | {"group_id": each, "group_name": source.groups[each]} for each in person["groups"]],
        "User_Roles.csv": [own | {"role_id": role, "role_name": role, **school} for role in person["roles"]],
        "User_Subjects.csv": [own | {"subject": subject} for subject in person["subjects"]],
    }


def _observation(source: Source, each: str, document: Document) -> Sheets:
    own = {"observation_group_id": each}
    row = {
        "observation_template_id": document["template"], "observation_template_name": source.templates[document["template"]],
        "learner_employee_id": source.number(document["learner"]), "observer_employee_id": source.number(document["observer"]),
        "school_year": str(document["year"]), "school_year_id": str(document["year"] - 2009),
        "observation_status": document["status"], "observation_type": document["type"],
        "observation_created_date": document["created"], "observation_scheduled_date": document["scheduled"],
        "observation_completed_date": document["completed"], "observation_is_deleted": str(document["deleted"]).lower(),
    }  # fmt: skip
    return {
        "Observations.csv": [own | row],
        "Observation_Steps.csv": [
            own | {
                "step_id": step["id"], "step_name": step["name"], "step_type": step["type"], "step_order": step["order"],
                "step_status": step["status"], "step_scheduled_date": step["scheduled"], "step_completed_date": step["completed"],
            } for step in document["steps"]
        ],
        "Observation_Feedback.csv": [
            own | {"feedback": entry["feedback"], "next_steps": entry["next"], "observer_notes": entry["notes"], "feedback_date": entry["at"]}
            for entry in document["feedback"]
        ],
        "Observation_Comments.csv": [
            own | {"indicator_id": remark["indicator"], "commenter_employee_id": source.number(remark["user"]), "comment": remark["text"]}
            for remark in document["comments"]
        ],
        "Ratings.csv": [
            own | {
                "rating_id": rating["id"], "step_id": rating["step"], "rubric_id": rating["rubric"], "indicator_id": rating["indicator"],
                "proficiency_level_id": rating["rung"], "rating_value": rating["value"],
                "rated_by_employee_id": source.number(rating["rater"]), "rated_date": rating["rated"] or document["created"],
            } for rating in document["ratings"]
        ],
    }  # fmt: skip


def _goal(source: Source, each: str, document: Document) -> Sheets:
    own = {"goal_id": each}
    row = {
        "employee_id": source.number(document["owner"]), "goal_title": document["title"], "goal_description": document["text"],
        "goal_status": document["status"], "school_year": str(document["year"]), "goal_created_date": document["created"],
        "goal_due_date": document["due"], "goal_completed_date": document["completed"],
    }  # fmt: skip
    return {
        "Goals.csv": [own | row],
        "Goals_Indicators.csv": [
            own | {"rubric_id": rubric, "indicator_id": line} for rubric, line in document["indicators"]
        ],
        "Goal_Posts.csv": [
            own | {"post_id": post["id"], "author_employee_id": source.number(post["user"]), "post_text": post["text"]}
            for post in document["posts"]
        ],
        "Goals_Questions.csv": [
            own | {"question_id": question["id"], "question_text": "why?", "answer_text": question["answer"]}
            for question in document["questions"]
        ],
    }


def _rubric(_source: Source, each: str, document: Document) -> Sheets:
    own = {"rubric_id": each}
    row = {
        "rubric_name": document["name"],
        "rubric_type": document["type"],
        "is_active": str(document["active"]).lower(),
    }
    return {
        "Rubrics.csv": [own | row | {"school_year": str(document["year"])}],
        "Indicators.csv": [
            own | {
                "indicator_id": line["id"], "parent_indicator_id": line["parent"], "indicator_code": line["code"],
                "indicator_name": line["name"], "indicator_level": str(line["level"]), "indicator_order": line["order"],
            } for line in document["indicators"]
        ],
        "Indicator_Proficiency_Levels.csv": [
            own | {
                "indicator_id": line["id"], "proficiency_level_id": rung["id"], "level_name": rung["name"],
                "level_value": rung["value"], "level_description": rung["text"],
            } for line in document["indicators"] for rung in line["levels"]
        ],
    }  # fmt: skip


def _slo(source: Source, each: str, document: Document) -> Sheets:
    own = {"slo_id": each}
    row = {
        "slo_template_id": document["template"], "employee_id": source.number(document["owner"]), "slo_title": document["title"],
        "slo_status": document["status"], "school_year": str(document["year"]), "slo_created_date": document["created"],
        "slo_modified_date": document["modified"],
    }  # fmt: skip
    return {
        "Slos.csv": [own | row],
        "Slo_Assessments.csv": [
            own | {"slo_assessment_id": item["id"], "slo_assessment_name": item["name"], "slo_assessment_order": item["order"]}
            for item in document["assessments"]
        ],
        "Aggregated_Slo_Assessments.csv": [
            own | {
                "slo_assessment_id": item["id"], "measure_name": "score", "target_value": item["target"],
                "actual_value": item["actual"], "rating_value": item["rating"],
            } for item in document["assessments"] if item["measure"]
        ],
    }  # fmt: skip


def _artifact(source: Source, each: str, document: Document) -> Sheets:
    row = {
        "artifact_id": each, "employee_id": source.number(document["owner"]), "artifact_name": document["name"],
        "artifact_type": document["type"], "artifact_url": None, "artifact_created_date": document["created"],
    }  # fmt: skip
    return {"User_Artifacts.csv": [row]}


def _snapshot(source: Source, each: str, document: Document) -> Sheets:
    own = {"snapshot_id": each}
    row = {
        "snapshot_name": document["name"], "learner_employee_id": source.number(document["learner"]),
        "created_by_employee_id": source.number(document["author"]), "school_year": str(document["year"]),
        "snapshot_created_date": document["created"],
    }  # fmt: skip
    return {
        "Snapshots.csv": [own | row],
        "Snapshots_Ratings.csv": [
            own | {"indicator_id": line, "proficiency_level_id": rating["rung"], "rating_value": rating["value"]}
            for line, rating in document["ratings"].items()
        ],
    }


def _judgement(source: Source, _each: str, document: Document) -> Sheets:
    row = {
        "snapshot_id": document["snapshot"], "learner_employee_id": source.number(document["learner"]),
        "classification": document["classification"], "average_rating": document["average"], "school_year": str(document["year"]),
    }  # fmt: skip
    return {"Aggregated_Eoy_Snapshots.csv": [row]}


_WRITERS = {
    "observation": _observation, "goal": _goal, "slo": _slo, "rubric": _rubric, "artifact": _artifact, "snapshot": _snapshot,
    "judgement": _judgement,
}  # fmt: skip
