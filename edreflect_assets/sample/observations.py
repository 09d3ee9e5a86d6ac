"""Observation cycles: scheduled, visited, talked over, corrected, sometimes thrown out."""

from __future__ import annotations

from dataclasses import dataclass, field

from edreflect_assets.sample import words
from edreflect_assets.sample.context import Context
from edreflect_assets.sample.observation_rows import publish
from edreflect_assets.sample.people import People, Person
from edreflect_assets.sample.rubrics import Rubric, Rubrics
from edreflect_assets.sample.templates import Form, Template, found_templates


@dataclass
class Step:
    """A step of a cycle; ``completed`` is empty until it is done."""

    id: str
    name: str
    form: Form
    order: int
    scheduled: str
    completed: str = ""
    answers: dict[str, str] = field(default_factory=dict)


@dataclass
class Rating:
    """A level given for an indicator in a step; ``place`` counts levels from 0."""

    id: str
    step_id: str
    indicator_id: str
    level_id: str
    place: int
    date: str


@dataclass
class Observation:
    """An observation group: one cycle of one learner and one observer."""

    id: str
    template: Template
    rubric: Rubric
    learner: Person
    observer: Person
    school_year: str
    school_year_id: str
    created: str
    scheduled: str
    steps: list[Step]
    completed: str = ""
    deleted: bool = False
    comments: list[tuple[str, str, str]] = field(default_factory=list)
    feedback: tuple[str, str, str] | None = None
    ratings: list[Rating] = field(default_factory=list)
    snapshots: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)

    @property
    def status(self) -> str:
        """Where the cycle stands."""
        if self.completed:
            return "completed"
        return "in progress" if any(step.completed for step in self.steps) else "scheduled"


class Observations:
    """An org's observations. Open ones move on by a step at a time, completed ones are edited or deleted by flag."""

    def __init__(self, context: Context, people: People, rubrics: Rubrics, per_day: float) -> None:
        self._context = context
        self._people = people
        self._rubrics = rubrics
        self._per_day = per_day
        self._templates: list[Template] = []
        self.observations: list[Observation] = []

    def found(self) -> None:
        """Create the observations that exist on the first day, at every stage."""
        self._templates = found_templates(self._context)
        for educator in self._people.educators:
            for _ in range(self._context.rng.randint(1, 2)):
                observation = self._schedule(educator, days_ago=self._context.rng.randint(5, 30))
                for _ in range(self._context.rng.randint(0, len(observation.steps) + 1)):
                    self._advance(observation)
        if self.observations:
            self._advance_to_end(self.observations[0])

    def step(self) -> None:
        """Let a day pass."""
        context, rng = self._context, self._context.rng
        educators = self._people.active_educators()
        for _ in range(context.count(self._per_day)):
            self._schedule(rng.choice(educators))
        for observation in self._some(context.count(self._per_day * 2), completed=False):
            self._advance(observation)
        for observation in self._some(context.count(self._per_day / 2, at_least=1), completed=True):
            self._edit(observation)
        for observation in self._some(context.count(self._per_day / 10, at_least=1), completed=True):
            observation.deleted = True
            self._record(observation, "deleted")
            publish(self._context, observation)

    def completed(self) -> list[Observation]:
        """Return the completed observations that have not been deleted."""
        return [known for known in self.observations if known.completed and not known.deleted]

    def _some(self, number: int, *, completed: bool) -> list[Observation]:
        if not number:
            return []
        fitting = [known for known in self.observations if bool(known.completed) is completed and not known.deleted]
        return self._context.rng.sample(fitting, min(number, len(fitting)))

    def _schedule(self, educator: Person, days_ago: int = 0) -> Observation:
        context, rng = self._context, self._context.rng
        template = rng.choice(self._templates)
        scheduled = context.moment(days_ago - rng.randint(1, 5))
        observation = Observation(
            id=context.new_id("observation_group"),
            template=template,
            rubric=self._rubrics.rubrics[1 if template.type == "peer" else 0],
            learner=educator,
            observer=self._people.observer_of(educator),
            school_year=context.school_year,
            school_year_id=context.school_year_id,
            created=context.moment(days_ago),
            scheduled=scheduled,
            steps=[
                Step(context.new_id("step"), name, form, order, scheduled)
                for order, (name, form) in enumerate(template.steps, start=1)
            ],
        )
        self.observations.append(observation)
        self._record(observation, "created")
        publish(context, observation)
        return observation

    def _advance_to_end(self, observation: Observation) -> None:
        while not observation.completed:
            self._advance(observation)

    def _advance(self, observation: Observation) -> None:
        """Complete the next step; after the last one, complete the cycle with feedback."""
        context, rng = self._context, self._context.rng
        if observation.completed:
            return
        step = next((step for step in observation.steps if not step.completed), None)
        if step is None:
            observation.completed = context.moment()
            observation.feedback = (words.comment(rng), words.next_step(rng), words.comment(rng))
            self._record(observation, "completed")
        else:
            step.completed = context.moment()
            step.answers = {question_id: words.answer(rng) for question_id, _ in step.form.questions}
            if step.form.type == "evidence":
                self._visit(observation, step)
            self._share(observation, step, shared=rng.random() < 0.8)
            self._record(observation, f"step completed: {step.name}")
        publish(context, observation)

    def _visit(self, observation: Observation, step: Step) -> None:
        """Rate, comment and script what was seen."""
        context, rng = self._context, self._context.rng
        rated = observation.rubric.rated
        for indicator in rng.sample(rated, max(2, len(rated) * 2 // 3)):
            place = rng.choice((1, 2, 2, 2, 3))
            level_id = indicator.level_ids[place]
            rating = Rating(context.new_id("rating"), step.id, indicator.id, level_id, place, context.moment())
            observation.ratings.append(rating)
        observer_id = observation.observer.employee_id
        for rating in rng.sample(observation.ratings, min(4, len(observation.ratings))):
            observation.comments.append((rating.indicator_id, observer_id, words.comment(rng)))
        observation.comments.append(("", observer_id, words.comment(rng)))
        if rng.random() < 0.1:
            observation.comments.append(observation.comments[-1])
        note = {
            "scripting_note_id": context.new_id("scripting_note"),
            "step_id": step.id,
            "observation_group_id": observation.id,
            "author_employee_id": observer_id,
            "scripting_note": f"9:02 {words.comment(rng)}\n9:14 {words.comment(rng)}",
        }
        context.tables.put("Observation_Step_Scripting_Notes.csv", note)

    def _edit(self, observation: Observation) -> None:
        """Change a completed observation; a removed comment shows only by its absence from the list."""
        context, rng = self._context, self._context.rng
        change = rng.choice(("remove comment", "remove comment", "reword", "rate", "hide"))
        if change == "remove comment" and observation.comments:
            observation.comments.pop(rng.randrange(len(observation.comments)))
        elif change == "reword" and observation.comments:
            place = rng.randrange(len(observation.comments))
            indicator_id, commenter, _ = observation.comments[place]
            observation.comments[place] = (indicator_id, commenter, words.comment(rng))
        elif change == "rate" and observation.ratings:
            self._rate_again(observation, rng.choice(observation.ratings))
        else:
            self._share(observation, observation.steps[-1], shared=False)
        self._record(observation, "edited")
        publish(context, observation)

    def _rate_again(self, observation: Observation, rating: Rating) -> None:
        levels = {indicator.id: indicator.level_ids for indicator in observation.rubric.rated}
        if rating.indicator_id not in levels:  # retired since
            observation.ratings.remove(rating)
            return
        rating.place = (rating.place + 1) % len(words.LEVELS)
        rating.level_id = levels[rating.indicator_id][rating.place]
        rating.date = self._context.moment()

    def _share(self, observation: Observation, step: Step, *, shared: bool) -> None:
        row = {
            "step_id": step.id,
            "observation_group_id": observation.id,
            "shared_with_employee_id": observation.learner.employee_id,
            "is_shared": "true" if shared else "false",
        }
        self._context.tables.put("Observation_Step_Sharing.csv", row)

    def _record(self, observation: Observation, action: str) -> None:
        row = {
            "history_id": self._context.new_id("history"),
            "observation_group_id": observation.id,
            "action": action,
            "actor_employee_id": observation.observer.employee_id,
            "action_date": self._context.moment(),
        }
        self._context.tables.put("Observation_History.csv", row)
