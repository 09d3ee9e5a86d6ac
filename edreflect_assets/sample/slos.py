"""Student learning objectives, from created to completed, with their assessments."""

from __future__ import annotations

from dataclasses import dataclass, field

from edreflect_assets.sample import words
from edreflect_assets.sample.context import Context
from edreflect_assets.sample.people import People, Person

STATUSES = ("created", "unlocked", "locked", "awaiting approval", "approved", "completed")
_ASSESSMENTS = ("Fall writing task", "Unit 3 test, form B", 'Reading check "Level K"', "Lab report")
_QUESTIONS = ("What does it measure?", "What is the baseline?")


@dataclass
class Assessment:
    """An assessment of an SLO with the answers to the questions about it, by question id."""

    id: str
    name: str
    target: int
    answers: dict[str, tuple[str, str]]


@dataclass
class Slo:
    """A student learning objective; ``stage`` is the place of its status among ``STATUSES``."""

    id: str
    owner: Person
    title: str
    school_year: str
    created: str
    stage: int = 0
    assessments: list[Assessment] = field(default_factory=list)


class Slos:
    """An org's SLOs; ``per_day`` is the mean number that change on a weekday."""

    def __init__(self, context: Context, people: People, per_day: float) -> None:
        self._context = context
        self._people = people
        self._per_day = per_day
        self._slos: list[Slo] = []
        self._template_id = ""

    def found(self) -> None:
        """Create the SLOs that exist on the first day, in every status."""
        self._template_id = self._context.new_id("slo_template")
        for number, educator in enumerate(self._people.educators):
            self._create(educator, stage=number % len(STATUSES))

    def step(self) -> None:
        """Let a day pass: statuses move on, answers change, assessments are taken off the list."""
        context, rng = self._context, self._context.rng
        for _ in range(context.count(self._per_day / 4)):
            self._create(rng.choice(self._people.active_educators()))
        number = context.count(self._per_day, at_least=1)
        for slo in rng.sample(self._slos, min(number, len(self._slos))):
            slo.stage = min(slo.stage + 1, len(STATUSES) - 1)
            change = rng.random()
            if change < 0.3 and len(slo.assessments) > 1:
                slo.assessments.pop(rng.randrange(len(slo.assessments)))
            elif change < 0.6:
                slo.assessments.append(self._assessment())
            self._publish(slo)

    def _create(self, owner: Person, stage: int = 0) -> None:
        context = self._context
        title = f"Growth in {context.rng.choice(words.SUBJECTS)}"
        slo = Slo(context.new_id("slo"), owner, title, context.school_year, context.moment(), stage)
        slo.assessments.extend(self._assessment() for _ in range(context.rng.randint(1, 3)))
        self._slos.append(slo)
        self._publish(slo)

    def _assessment(self) -> Assessment:
        context, rng = self._context, self._context.rng
        answers = {context.new_id("question"): (text, words.answer(rng)) for text in _QUESTIONS}
        return Assessment(context.new_id("slo_assessment"), rng.choice(_ASSESSMENTS), rng.randint(60, 95), answers)

    def _publish(self, slo: Slo) -> None:
        tables = self._context.tables
        row = {
            "slo_id": slo.id,
            "slo_template_id": self._template_id,
            "employee_id": slo.owner.employee_id,
            "slo_title": slo.title,
            "slo_status": STATUSES[slo.stage],
            "school_year": slo.school_year,
            "slo_created_date": slo.created,
            "slo_modified_date": self._context.moment(),
        }
        tables.put("Slos.csv", row)
        assessments = [
            {
                "slo_assessment_id": assessment.id,
                "slo_assessment_name": assessment.name,
                "slo_assessment_order": str(order),
            }
            for order, assessment in enumerate(slo.assessments, start=1)
        ]
        tables.put_list("Slo_Assessments.csv", slo.id, assessments)
        answers = [
            {
                "slo_assessment_id": assessment.id,
                "question_id": question_id,
                "question_text": text,
                "answer_text": answer,
            }
            for assessment in slo.assessments
            for question_id, (text, answer) in assessment.answers.items()
        ]
        tables.put_list("Slo_Assessment_Answers.csv", slo.id, answers)
        for assessment in slo.assessments if slo.stage >= STATUSES.index("approved") else ():
            self._measure(slo, assessment)

    def _measure(self, slo: Slo, assessment: Assessment) -> None:
        actual = self._context.rng.randint(300, 990) / 10
        measure = {
            "slo_id": slo.id,
            "slo_assessment_id": assessment.id,
            "measure_name": "Share of students who met the target, %",
            "target_value": str(assessment.target),
            "actual_value": f"{actual:.1f}",
            "rating_value": str(min(4, 1 + int(4 * actual / 100))),
        }
        self._context.tables.put("Aggregated_Slo_Assessments.csv", measure)
