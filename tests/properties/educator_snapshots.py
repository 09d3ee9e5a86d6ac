"""What the offboarding product says of a ``Source``: everything there is, document by document."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime
from random import Random
from typing import Any

from edreflect_assets.contracts import load_feeds
from tests.properties.educator_chance import Document
from tests.properties.educator_ids import old_id, written
from tests.properties.educator_source import Source

OPTIONAL_GROUPS = ("eoyClassifications", "goals", "sloTemplates", "slos")

FORGETTABLE = ("observations.csv", "goals.csv", "rubrics.csv", "slos.csv", "snapshots.csv", "ratings.csv", "users.csv")


class Snapshot:
    """The files of one snapshot while they are filled; times are written in either of the two ways."""

    def __init__(self, source: Source, random: Random) -> None:
        self.source, self.random = source, random
        self.sheets: dict[str, list[dict[str, Any]]] = defaultdict(list)
        for fill in (
            self._people, self._groups, self._templates, self._rubrics, self._observations, self._goals, self._slos,
            self._others, self._assignments, self._evidence,
        ):  # fmt: skip
            fill()

    def forget_some(self) -> Snapshot:
        """Lose a document or two whose parts stay."""
        for file in self.random.sample(FORGETTABLE, 2):
            if self.sheets[file]:
                self.sheets[file].remove(self.random.choice(self.sheets[file]))
        return self

    def files(self) -> dict[str, bytes]:
        """Return the files that hold something, and the first one of each group."""
        feed = load_feeds()["offboarding"]
        roots = {f"{group}.csv" for group in feed.convention.groups} if feed.convention else set()
        return {file: self._written(file, self.sheets[file]) for file in sorted(roots | self.sheets.keys())}

    def _written(self, file: str, rows: list[dict[str, Any]]) -> bytes:
        contract = load_feeds()["offboarding"].match(file)
        assert contract is not None
        times = {column.header or column.name for column in contract.columns if column.data_type == "timestamp"}
        columns = [column.header or column.name for column in contract.columns]
        assert all(row.keys() <= set(columns) for row in rows), (file, rows[:1])
        return written(
            columns, [{name: self._cell(value, name in times) for name, value in row.items()} for row in rows]
        )

    def _cell(self, value: Any, is_time: bool) -> str | None:
        if isinstance(value, bool):
            return str(value).lower()
        if not is_time or value is None or self.random.random() < 0.5:
            return f"{value}Z" if is_time and value else value
        return str(int(datetime.fromisoformat(value).replace(tzinfo=UTC).timestamp() * 1000))

    def _add(self, file: str, identity: str, **cells: Any) -> None:
        self.sheets[f"{file}.csv"].append({"_id": identity, **cells})

    def _people(self) -> None:
        for user, person in self.source.people.items():
            self._add(
                "users", user, email=person["email"], oldID=old_id(user), fname=person["first"], lname=person["last"],
                employeeID=person["shown_number"], isActive=person["active"], createdDate=person["created"],
            )  # fmt: skip
            for grade in person["grades"]:
                self._add("users.grades", user, grade=grade)
            for subject in person["subjects"]:
                self._add("users.contentAreas", user, contentArea=subject)
            for group in person["groups"]:
                self._add("users.groups", user, groupId=group)
            school = {
                "organizationId": person["school"],
                "organizationName": self.source.organizations[person["school"]],
            }
            for role in person["roles"]:
                self._add("users.roles", user, roleId=role, name=role, **school)

    def _groups(self) -> None:
        for group, name in self.source.groups.items():
            self._add("groups", group, name=name)

    def _templates(self) -> None:
        for number, (template, name) in enumerate(self.source.templates.items()):
            self._add("observationTemplates", template, name=name, type="formal", schoolYear="2025", isActive=True)
            for each in range(number + 1):
                self._add("observationTemplates.activities", template, activityId=f"a{each}")
                self._add("observationTemplates.activities.steps", template, activityId=f"a{each}", stepId=f"s{each}")

    def _rubrics(self) -> None:
        for rubric, document in self.source.documents["rubric"].items():
            self._add(
                "rubrics", rubric, name=document["name"], type=document["type"], isActive=document["active"],
                schoolYear=str(document["year"]), createdDate=document["created"],
            )  # fmt: skip
            for line in document["indicators"]:
                file = "rubrics" + line["level"] * ".indicators"
                own = {"indicatorId": line["id"]}
                below = {
                    "parentIndicatorId": line["parent"],
                    "code": line["code"],
                    "name": line["name"],
                    "order": line["order"],
                }
                self._add(file, rubric, **own, **below)
                for rung in line["levels"]:
                    said = {"name": rung["name"], "value": rung["value"], "description": rung["text"]}
                    self._add(f"{file}.proficiencyLevels", rubric, **own, proficiencyLevelId=rung["id"], **said)

    def _observations(self) -> None:
        for each, document in self.source.documents["observation"].items():
            self._add(
                "observations", each, observationTemplateId=document["template"], type=document["type"], status=document["status"],
                learnerId=document["learner"], observerId=document["observer"], schoolYear=str(document["year"]),
                createdDate=document["created"], scheduledDate=document["scheduled"], completedDate=document["completed"],
                isDeleted=document["deleted"],
            )  # fmt: skip
            for number, entry in enumerate(document["feedback"] or [{}]):
                said = {
                    "feedback": entry.get("feedback"),
                    "nextSteps": entry.get("next"),
                    "observerNotes": entry.get("notes"),
                }
                self._add("observations.work", each, workId=f"w{number}", userId=document["observer"], **said)
            for step in document["steps"]:
                self._step(each, "w0", step)
                if self.random.random() < 0.3:
                    self._step(each, "w1", step | {"completed": None} if step["status"] == "completed" else step)
            for remark in document["comments"]:
                place = {"workId": "w0", "evaluationId": "e0", "indicatorId": remark["indicator"]}
                self._add(
                    "observations.work.evaluations.indicators.comments",
                    each,
                    **place,
                    userId=remark["user"],
                    text=remark["text"],
                )
            self._ratings(each, document)

    def _step(self, observation: str, work: str, step: Document) -> None:
        self._add(
            "observations.work.steps", observation, workId=work, stepId=step["id"], name=step["name"], type=step["type"],
            order=step["order"], status=step["status"], scheduledDate=step["scheduled"], completedDate=step["completed"],
        )  # fmt: skip

    def _ratings(self, observation: str, document: Document) -> None:
        """Ratings are documents of their own: one per person who rated, with a set per rubric and step."""
        for rater in {rating["rater"]: None for rating in document["ratings"]}:
            own = f"ratings of {observation} by {rater}"
            self._add("ratings", own, observationId=observation, userId=rater, createdDate=document["created"])
            sets: dict[tuple[str, str | None], str] = {}
            for rating in document["ratings"]:
                if rating["rater"] != rater:
                    continue
                place = (rating["rubric"], rating["step"])
                if place not in sets:
                    sets[place] = f"set {len(sets)}"
                    self._add("ratings.sets", own, setId=sets[place], rubricId=place[0], stepId=place[1])
                self._add(
                    "ratings.sets.ratings", own, setId=sets[place], ratingId=rating["id"], indicatorId=rating["indicator"],
                    proficiencyLevelId=rating["rung"], value=rating["value"], ratedDate=rating["rated"],
                )  # fmt: skip

    def _goals(self) -> None:
        for goal, document in self.source.documents["goal"].items():
            self._add(
                "goals", goal, title=document["title"], description=document["text"], status=document["status"],
                schoolYear=str(document["year"]), createdBy="user-1", createdDate=document["created"], dueDate=document["due"],
                completedDate=document["completed"],
            )  # fmt: skip
            for viewer in document["viewers"]:
                self._add("goals.users", goal, userId=viewer, role="viewer")
            self._add("goals.users", goal, userId=document["owner"], role="owner")
            for rubric, line in document["indicators"]:
                self._add("goals.alignedIndicators", goal, rubricId=rubric, indicatorId=line)
            for post in document["posts"]:
                self._add("goals.posts", goal, postId=post["id"], userId=post["user"], text=post["text"])
            for question in document["questions"]:
                self._add(
                    "goals.questions", goal, questionId=question["id"], question="why?", answer=question["answer"]
                )

    def _slos(self) -> None:
        for slo, document in self.source.documents["slo"].items():
            self._add(
                "slos", slo, sloTemplateId=document["template"], userId=document["owner"], title=document["title"],
                status=document["status"], schoolYear=str(document["year"]), createdDate=document["created"],
                modifiedDate=document["modified"],
            )  # fmt: skip
            self._add("slos.answers", slo, answerId="a0")
            for item in document["assessments"]:
                own = {"answerId": "a0", "assessmentId": item["id"]}
                self._add("slos.answers.assessments", slo, **own, name=item["name"], order=item["order"])
                if item["measure"]:
                    values = {"targetValue": item["target"], "actualValue": item["actual"]}
                    self._add("slos.answers.assessments.measures", slo, **own, measureId="m1", name="score", **values)
                    self._add("slos.answers.assessments.measures", slo, **own, measureId="m2", name="attendance")
                for value, day in ((item["rating"], "2026-02-03"), ("1", "2026-02-01")) if item["rating"] else ():
                    self._add("slos.answers.assessments.ratings", slo, **own, value=value, ratedDate=f"{day}T08:00:00")

    def _others(self) -> None:
        documents = self.source.documents
        for artifact, document in documents["artifact"].items():
            self._add(
                "artifacts", artifact, userId=document["owner"], name=document["name"], type=document["type"],
                createdDate=document["created"], isDeleted=document["deleted"],
            )  # fmt: skip
        for snapshot, document in documents["snapshot"].items():
            said = {"name": document["name"], "schoolYear": str(document["year"]), "createdDate": document["created"]}
            self._add("snapshots", snapshot, userId=document["learner"], createdBy=document["author"], **said)
            for line, rating in document["ratings"].items():
                self._add(
                    "snapshots.indexes", snapshot, rubricId=rating["rubric"], indicatorId=line, value=rating["value"]
                )
        for judgement, document in documents["judgement"].items():
            self._add(
                "eoyClassifications", judgement, userId=document["learner"], snapshotId=document["snapshot"],
                schoolYear=str(document["year"]), classification=document["classification"], averageRating=document["average"],
            )  # fmt: skip

    def _assignments(self) -> None:
        for tie in self.source.pairs.values():
            people = {"learners": [tie["learner"]], "observers": [tie["observer"]]}
            self._assignment(tie["id"], tie | people)
        for each, assignment in self.source.assignments.items():
            self._assignment(each, assignment)

    def _assignment(self, each: str, assignment: Mapping[str, Any]) -> None:
        dates = {
            "createdDate": assignment["created"],
            "endedDate": assignment["ended"],
            "dueDate": "2026-06-01T00:00:00",
        }
        template = {"observationTemplateId": "template-1", "schoolYear": "2025", "status": "open"}
        self._add("assignments", each, name=each, type=assignment["type"], **template, **dates)
        for side in ("learner", "observer"):
            for user in assignment[f"{side}s"]:
                self._add(f"assignments.{side}s", each, userId=user)
            for group in assignment.get(f"{side}_groups", ()):
                self._add(f"assignments.{side}Groups", each, groupId=group)

    def _evidence(self) -> None:
        for each, document in self.source.evidence.items():
            self._add(
                "evidences", each, userId=document["learner"], collectedBy=document["collector"], title=document["title"],
                observationId=document["observation"], artifactId=document["artifact"], createdDate=document["created"],
            )  # fmt: skip
            for goal in document["goals"]:
                self._add("evidences.goals", each, goalId=goal)
            for rubric, line in document["indicators"]:
                self._add("evidences.indicators", each, rubricId=rubric, indicatorId=line)
