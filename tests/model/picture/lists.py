"""The rows of views whose rows are lists of lists: people with their roles, goals with their aims, rubrics as trees."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from tests.model.picture import daily
from tests.model.picture.log import Row
from tests.model.picture.merged import Picture
from tests.model.records import Value


def distinct(rows: Iterable[Row], column: str) -> list[str]:
    return sorted({str(row[column]) for row in rows if row[column] is not None})


def person_ids(picture: Picture) -> set[tuple[str, str, str]]:
    """Return who says which account has which number: (account, number, source); an old id is today's where it is known."""
    claims = set()
    users = picture.held.of("users") if picture.held else []
    for row, word, unmapped in daily.rows_of(daily.spoken(picture.log, picture.org, "user_accounts")):
        renewed = sorted(str(person["_id"]) for person in users if person["old_id"] == row["user_id"])
        user = renewed[0] if renewed and unmapped and "user_id" in unmapped else row["user_id"]
        if user is not None and row["employee_id"] is not None:
            claims.add((str(user), str(row["employee_id"]), word.source))
    for person in users:
        if person["employee_id"] is not None:
            claims.add((str(person["_id"]), str(person["employee_id"]), "offboarding"))
    return claims


def person_conflicts(picture: Picture) -> Iterable[Row]:
    """Two accounts with one number, or two numbers of one account."""
    for kind, own, other in (
        ("employee number of several accounts", 1, 0),
        ("account with several employee numbers", 0, 1),
    ):
        by: dict[str, list[tuple[str, str, str]]] = defaultdict(list)
        for claim in person_ids(picture):
            by[claim[own]].append(claim)
        for claims in by.values():
            if len({claim[other] for claim in claims}) > 1:
                yield {
                    "conflict": kind, "employee_ids": sorted({number for _, number, _ in claims}),
                    "user_ids": sorted({user for user, _, _ in claims}), "sources": sorted({source for *_, source in claims}),
                }  # fmt: skip


def educators(picture: Picture) -> Iterable[Row]:
    """One account stands for a person: an active one, then the youngest, then by id."""
    by_number: dict[Value, list[Row]] = defaultdict(list)
    for account in picture.table("user_accounts"):
        by_number[account["employee_id"]].append(account)
    claims = person_ids(picture)
    rubrics = [row for row, *_ in daily.rows_of(daily.spoken(picture.log, picture.org, "user_rubrics"))]
    for number, accounts in by_number.items():
        if number is None:
            continue
        one = max(accounts, key=lambda a: (a["is_active"] is True, a["created_date"], str(a["user_id"])))
        of = {
            table: picture.all(table, employee_id=number)
            for table in ("user_roles", "user_grades", "user_subjects", "user_groups")
        }
        yield {
            "employee_id": number, "user_id": one["user_id"], "email": one["email"], "first_name": one["first_name"],
            "last_name": one["last_name"], "title": one["title"], "is_active": one["is_active"],
            "account_created_date": one["created_date"], "account_count": len(accounts),
            "role_names": distinct(of["user_roles"], "role_name"), "organization_ids": distinct(of["user_roles"], "organization_id"),
            "organization_names": distinct(of["user_roles"], "organization_name"), "grades": distinct(of["user_grades"], "grade"),
            "subjects": distinct(of["user_subjects"], "subject"), "group_ids": distinct(of["user_groups"], "group_id"),
            "group_names": distinct(of["user_groups"], "group_name"),
            "rubric_ids": distinct([row for row in rubrics if row["employee_id"] == number], "rubric_id"),
            "guide_id": None, "guide_matched_by": "none",
            "has_identity_conflict": len({user for user, claimed, _ in claims if claimed == number}) > 1,
            "source": one["source"], "as_of_day": one["as_of_day"],
        }  # fmt: skip


def educator_goals(picture: Picture) -> Iterable[Row]:
    for goal in picture.table("goals"):
        aims = picture.all("goals_indicators", goal_id=goal["goal_id"])
        questions = picture.all("goals_questions", goal_id=goal["goal_id"])
        yield {
            **goal, "indicator_ids": distinct(aims, "indicator_id"), "rubric_ids": distinct(aims, "rubric_id"),
            "post_count": len(picture.all("goal_posts", goal_id=goal["goal_id"])), "question_count": len(questions),
            "answered_question_count": sum(question["answer_text"] is not None for question in questions),
        }  # fmt: skip


def educator_slos(picture: Picture) -> Iterable[Row]:
    for slo in picture.table("slos"):
        assessments = []
        for item in picture.all("slo_assessments", slo_id=slo["slo_id"]):
            same = {"slo_id": item["slo_id"], "slo_assessment_id": item["slo_assessment_id"]}
            outcome: dict[str, Any] = picture.one("aggregated_slo_assessments", **same)
            values = {
                name: outcome.get(name) for name in ("measure_name", "target_value", "actual_value", "rating_value")
            }
            assessments.append(
                {
                    "slo_assessment_id": item["slo_assessment_id"],
                    "slo_assessment_name": item["slo_assessment_name"],
                    **values,
                }
            )
        yield {**slo, "assessment_count": len(assessments), "assessments": assessments}


def lines(picture: Picture) -> list[Row]:
    """Return one row for each indicator of a rubric, the first by its place and wording."""

    def preference(row: Row) -> list[tuple[bool, Any]]:
        order = ("indicator_level", "indicator_order", "indicator_code", "indicator_name", "parent_indicator_id")
        return [(row[column] is None, row[column] if row[column] is not None else 0) for column in order]

    first: dict[tuple[Value, Value], Row] = {}
    for row in sorted(picture.table("indicators"), key=preference):
        first.setdefault((row["rubric_id"], row["indicator_id"]), row)
    return [row for row in first.values() if row["indicator_id"] is not None]


def path_of(line: Row, known: dict[Value, Row]) -> list[str]:
    """Return the ids from the root down to a line."""
    path, above = [str(line["indicator_id"])], known.get(line["parent_indicator_id"])
    while above is not None and above["indicator_id"] not in path:
        path.insert(0, str(above["indicator_id"]))
        above = known.get(above["parent_indicator_id"])
    return path


def rubric_indicators(picture: Picture) -> Iterable[Row]:
    for line in lines(picture):
        rubric: dict[str, Any] = picture.one("rubrics", rubric_id=line["rubric_id"])
        known = {each["indicator_id"]: each for each in lines(picture) if each["rubric_id"] == line["rubric_id"]}
        rungs = picture.all(
            "indicator_proficiency_levels", rubric_id=line["rubric_id"], indicator_id=line["indicator_id"]
        )
        columns = ("proficiency_level_id", "level_name", "level_value", "level_description")
        yield {
            **line, "rubric_name": rubric.get("rubric_name"), "rubric_type": rubric.get("rubric_type"),
            "rubric_is_active": rubric.get("is_active"), "rubric_school_year": rubric.get("school_year"),
            "indicator_path": path_of(line, known),
            "proficiency_levels": [{column: rung[column] for column in columns} for rung in rungs],
        }  # fmt: skip


def rubric_tree(picture: Picture) -> Iterable[Row]:
    shown = (
        "rubric_id",
        "indicator_id",
        "parent_indicator_id",
        "indicator_code",
        "indicator_name",
        "source",
        "as_of_day",
    )
    all_lines = lines(picture)
    for line in all_lines:
        rubric: dict[str, Any] = picture.one("rubrics", rubric_id=line["rubric_id"])
        known = {each["indicator_id"]: each for each in all_lines if each["rubric_id"] == line["rubric_id"]}
        path = path_of(line, known)
        names = [known[each]["indicator_name"] for each in path]
        yield {
            **{column: line[column] for column in shown}, "rubric_name": rubric.get("rubric_name"), "depth": len(path), "path": path,
            "path_names": [name if name is not None else each for name, each in zip(names, path, strict=True)],
            "is_leaf": all(each["parent_indicator_id"] != line["indicator_id"] for each in known.values()),
        }  # fmt: skip
