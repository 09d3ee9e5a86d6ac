"""A small EdReflect of one org: what is true there, and what changes on a day.

Documents are plain dicts of text by their ids of today (``<kind>-<n>``; before the refresh the id was ``<n>``, the same for
every kind and in every org). ``educator_exports`` and ``educator_snapshots`` say it as the source's products do.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from random import Random
from typing import Any

from tests.properties.educator_chance import Chance, Document

TEXTS = ("alpha", "with, comma", 'say "hi"', "two\nlines", "ünï", "0", "NULL")
STATUSES = ("open", "scheduled", "completed")
CLASSIFICATIONS = ("effective", "highly effective", "developing")
KINDS = ("observation", "goal", "slo", "rubric", "artifact", "snapshot", "judgement")


class Source(Chance):
    """What is true at the source. ``tidy``: nothing happens that the daily export has no way to tell.

    Such are an item of a file without a drop rule that is gone, an artifact that is deleted, a number that is not in the
    accounts of the offboarding product.
    """

    def __init__(self, random: Random, refresh: date, *, tidy: bool) -> None:
        super().__init__(random, refresh)
        self.tidy, self.is_refreshed = tidy, False
        self.touched: dict[str, set[Any]] = defaultdict(set)
        self.documents: dict[str, dict[str, Document]] = {kind: {} for kind in KINDS}
        self.groups = {self.new_id("group"): f"group {n}" for n in range(2)}
        self.organizations = {self.new_id("organization"): f"school {n}" for n in range(2)}
        self.templates = {self.new_id("template"): f"template {n}" for n in range(2)}
        self.slo_templates = [self.new_id("slo_template")]
        self.people: dict[str, Document] = {}
        for n in range(1, 6):
            self._add_person(f"e-{n}" if n < 5 else None)
        if random.random() < 0.3:
            self._add_person("e-1")
        self.pairs: dict[tuple[str, str], Document] = {}
        self.assignments: dict[str, Document] = {}
        self.evidence: dict[str, Document] = {}
        for kind in ("rubric", *KINDS):
            for _ in range(random.randint(1, 2)):
                self._change(kind, self.new_id(kind))
        self._change_pairs(set())
        self._assign_by_groups()

    def pass_day(self, day: date) -> None:
        """Change something; ``touched`` names by kind what the daily export has to tell of, people by their numbers."""
        self.today, self.touched, self.is_refreshed = day, defaultdict(set), True
        for kind in KINDS:
            known = sorted(self.documents[kind])
            ids = {self.random.choice(known) for _ in range(self.random.choice((0, 1, 1, 2))) if known}
            if self.random.random() < 0.3:
                ids.add(self.new_id(kind))
            for each in sorted(ids):
                self._change(kind, each)
            self.touched[kind] |= ids & self.documents[kind].keys()
        goals = sorted(self.documents["goal"])
        if len(goals) > 1 and self.random.random() < 0.25:
            gone = self.random.choice(goals)
            del self.documents["goal"][gone]
            self.touched["goal"].discard(gone)
            self.touched["goal_deleted"].add(gone)
        self._change_people()
        self._change_pairs(self.touched["person"])
        self._collect_evidence()

    def number(self, user: str | None) -> str | None:
        return self.people[user]["number"] if user else None

    def _add_person(self, number: str | None) -> None:
        user = self.new_id("user")
        self.people[user] = {
            "number": number, "email": f"{user}@example.org", "first": self.one(TEXTS), "last": user, "active": True,
            "created": self.moment(), "grades": self.some("123", 2), "subjects": self.some(("art", "maths"), 2),
            "groups": self.some(self.groups, 2), "roles": self.some(("teacher", "coach"), 2),
            "school": self.one(self.organizations),
            "shown_number": number if self.tidy or self.random.random() < 0.8 else None,
        }  # fmt: skip

    def _change_people(self) -> None:
        for user in self.some(self.people, 1):
            person = self.people[user]
            person["active"] = self.random.random() < 0.8
            person["first"] = self.one(TEXTS)
            person["grades"], person["subjects"] = self.some("123", 2), self.some(("art", "maths"), 2)
            person["groups"], person["roles"] = self.some(self.groups, 2), self.some(("teacher", "coach"), 2)
            self.touched["person"].add(person["number"])
            if not self.tidy and person["number"] not in {None, "e-1"} and self.random.random() < 0.15:
                person["number"] = person["shown_number"] = f"{person['number']}-new"
                self.touched["person"].add(person["number"])

    def _change_pairs(self, modified: set[str | None]) -> None:
        """Tie people to each other and untie them; a pair that is dropped shows in its people being modified only."""
        at = f"{self.today}T06:00:00"
        numbered = [user for user, person in self.people.items() if person["number"]]
        delivered = set()
        for _ in range(self.random.randint(0, 2)):
            learner, observer = self.random.sample(numbered, 2)
            pair = (self.number(learner), self.number(observer))
            known = self.pairs.setdefault(
                pair, {"id": self.new_id("assignment"), "learner": learner, "observer": observer, "created": at}
            )
            known["type"] = known.get("type") or self.one(("coach", "mentor"))
            known["ended"] = self.random.choice((None, at))
            delivered.add(pair)
        dropped = [pair for pair, tie in self.pairs.items() if pair not in delivered and not tie["ended"]]
        for pair in dropped:
            if self.random.random() < 0.3:
                self.pairs[pair]["ended"] = at
                modified.update(pair)
        delivered |= {pair for pair, tie in self.pairs.items() if not tie["ended"] and modified & set(pair)}
        self.touched["pair"] = delivered

    def _assign_by_groups(self) -> None:
        """Let people be assigned as members of groups: the daily export calls nobody's tie by that name."""
        if self.tidy:
            return
        self.assignments[self.new_id("assignment")] = {
            "type": "team", "created": self.moment(), "ended": self.random.choice((None, self.moment())),
            "learners": self.some(self.people, 1), "observers": self.some(self.people, 2),
            "learner_groups": self.some(self.groups, 1), "observer_groups": self.some(self.groups, 1),
        }  # fmt: skip

    def _collect_evidence(self) -> None:
        self.evidence[self.new_id("evidence")] = {
            "learner": self.one(self.people), "collector": self.one(self.people), "title": self.one(TEXTS),
            "observation": self.one(self.documents["observation"]), "artifact": self.one(self.documents["artifact"]),
            "goals": self.some(self.documents["goal"], 2), "indicators": self.some(self._lines(), 2),
            "created": self.moment(),
        }  # fmt: skip

    def _lines(self) -> list[tuple[str, str]]:
        """Return rubric and indicator of every line that may be rated."""
        return [
            (rubric, line["id"])
            for rubric, document in self.documents["rubric"].items()
            for line in document["indicators"]
        ]

    def _change(self, kind: str, each: str) -> None:
        document = self.documents[kind].setdefault(
            each, {"created": self.moment(), "year": self.random.choice((2019, 2025))}
        )
        getattr(self, f"_change_{kind}")(each, document)

    def _change_rubric(self, each: str, document: Document) -> None:
        document |= {"name": f"{each} {self.one(TEXTS)}", "type": "standard", "active": self.random.random() < 0.7}
        lines = document.setdefault("indicators", [])
        parents = {line["parent"] for line in lines}
        leaves = [line for line in lines if line["id"] not in parents]
        if len(leaves) > 1 and self.random.random() < 0.4:
            lines.remove(self.random.choice(leaves))
        for _ in range(self.random.randint(1, 4) if len(lines) < 8 else 0):
            above = self.random.choice([None, *(line for line in lines if line["level"] < 4)])
            line = {
                "id": self.new_id("indicator"), "parent": above and above["id"], "code": str(len(lines)),
                "name": self.one(TEXTS), "level": above["level"] + 1 if above else 1, "order": str(len(lines)), "levels": [],
            }  # fmt: skip
            lines.append(line)
        for line in lines:
            line["levels"] = self.items(line["levels"], self._rung, most=1)

    def _rung(self) -> Document:
        return {
            "id": self.new_id("rung"),
            "name": self.one(TEXTS),
            "value": self.random.choice(("1", "2.5", "4")),
            "text": None,
        }

    def _change_observation(self, each: str, document: Document) -> None:
        people = sorted(self.people)
        document.setdefault("learner", self.random.choice(people))
        document.setdefault("observer", self.random.choice(people))
        document.setdefault("template", self.one(self.templates))
        document["status"] = self.one(STATUSES)
        document["type"] = "formal"
        document["scheduled"] = self.random.choice((None, self.moment()))
        document["completed"] = self.random.choice((None, self.moment()))
        document["deleted"] = self.is_refreshed and self.random.random() < 0.15
        document["steps"] = self.items(document.get("steps", []), self._step, may_go=not self.tidy)
        for step in document["steps"]:
            step |= {"status": self.one(STATUSES), "completed": self.random.choice((None, self.moment()))}
        document["feedback"] = self.items(
            document.get("feedback", []),
            lambda: {
                "feedback": self.one(TEXTS),
                "next": self.random.choice((None, "later")),
                "notes": None,
                "at": self.moment(),
            },
            most=1,
        )
        document["comments"] = self.items(document.get("comments", []), self._comment)
        steps = [step["id"] for step in document["steps"]]
        document["ratings"] = self.items(document.get("ratings", []), lambda: self._rating(steps))

    def _step(self) -> Document:
        return {
            "id": self.new_id("step"),
            "name": self.one(TEXTS),
            "type": "visit",
            "order": "1",
            "scheduled": self.moment(),
        }

    def _comment(self) -> Document:
        return {"indicator": self.one(self._lines())[1], "user": self.one(self.people), "text": self.one(TEXTS)}

    def _rating(self, steps: list[str]) -> Document:
        rubric, indicator = self.one(self._lines())
        line = next(line for line in self.documents["rubric"][rubric]["indicators"] if line["id"] == indicator)
        rung = self.random.choice([None, *line["levels"]])
        return {
            "id": self.new_id("rating"), "step": self.random.choice([None, *steps]), "rubric": rubric,
            "indicator": indicator, "rung": rung and rung["id"], "value": rung["value"] if rung else "3",
            "rater": self.one(self.people), "rated": self.random.choice((None, self.moment())),
        }  # fmt: skip

    def _change_goal(self, each: str, document: Document) -> None:
        document.setdefault("owner", self.one(self.people))
        document.setdefault("viewers", self.some(set(self.people) - {document["owner"]}, 1))
        document |= {"title": f"{each} {self.one(TEXTS)}", "text": self.one(TEXTS), "status": self.one(STATUSES)}
        document |= {
            "due": self.random.choice((None, "2026-06-30")),
            "completed": self.random.choice((None, self.moment())),
        }
        aims = document.get("indicators", [])
        if not self.tidy and self.random.random() < 0.3:
            aims = aims[1:]
        document["indicators"] = sorted({*aims, *self.some(self._lines(), 2)})
        document["posts"] = self.items(
            document.get("posts", []),
            lambda: {"id": self.new_id("post"), "user": self.one(self.people), "text": self.one(TEXTS)},
        )
        document["questions"] = self.items(
            document.get("questions", []),
            lambda: {"id": self.new_id("question"), "answer": self.random.choice((None, "yes"))},
        )

    def _change_slo(self, each: str, document: Document) -> None:
        document.setdefault("owner", self.one(self.people))
        document.setdefault("template", self.one(self.slo_templates))
        document |= {"title": f"{each} {self.one(TEXTS)}", "status": "approved", "modified": self.moment()}
        document["assessments"] = self.items(document.get("assessments", []), self._assessment)
        for each_assessment in document["assessments"]:
            each_assessment["actual"] = self.random.choice((None, "61.5"))

    def _assessment(self) -> Document:
        return {
            "id": self.new_id("slo_assessment"), "name": self.one(TEXTS), "order": "1", "measure": self.random.random() < 0.7,
            "target": "70", "rating": self.random.choice((None, "2", "3")),
        }  # fmt: skip

    def _change_artifact(self, each: str, document: Document) -> None:
        document.setdefault("owner", self.one(self.people))
        document |= {"name": self.one(TEXTS), "type": "link", "deleted": not self.tidy and self.random.random() < 0.2}

    def _change_snapshot(self, each: str, document: Document) -> None:
        document.setdefault("learner", self.one(self.people))
        document.setdefault("author", self.one(self.people))
        document["name"] = f"{each} {self.one(TEXTS)}"
        known = {
            indicator: rating
            for indicator, rating in document.get("ratings", {}).items()
            if self.tidy or self.random.random() < 0.8
        }
        for rubric, indicator in self.some(self._lines(), 3):
            known[indicator] = {"rubric": rubric, "rung": None, "value": self.random.choice(("1", "2.5"))}
        document["ratings"] = known

    def _change_judgement(self, each: str, document: Document) -> None:
        """A judgement is about one snapshot and one person."""
        taken = {
            (other["snapshot"], self.number(other["learner"]))
            for other in self.documents["judgement"].values()
            if "snapshot" in other
        }
        if "snapshot" not in document:
            free = [
                (snapshot, user)
                for snapshot in sorted(self.documents["snapshot"])
                for user in sorted(self.people)
                if (snapshot, self.number(user)) not in taken
            ]
            if not free:
                del self.documents["judgement"][each]
                return
            document["snapshot"], document["learner"] = self.random.choice(free)
        document |= {"classification": self.one(CLASSIFICATIONS), "average": self.random.choice((None, "2.75"))}
