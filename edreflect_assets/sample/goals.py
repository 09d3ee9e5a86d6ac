"""Professional growth goals with their posts, questions and indicators; some are deleted, a few of those come back."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from edreflect_assets.sample import words
from edreflect_assets.sample.context import Context
from edreflect_assets.sample.people import People, Person
from edreflect_assets.sample.rubrics import Rubrics

MODIFIED = "Goals_Modified.csv"


@dataclass
class Goal:
    """A goal; ``ever_linked`` holds every indicator the source has exported for it, ``indicators`` those of now."""

    id: str
    owner: Person
    rubric_id: str
    title: str
    description: str
    school_year: str
    created: str
    due: str
    completed: str = ""
    indicators: list[str] = field(default_factory=list)
    ever_linked: dict[str, None] = field(default_factory=dict)
    posts: list[tuple[str, str, str]] = field(default_factory=list)
    questions: list[tuple[str, str, str]] = field(default_factory=list)


class Goals:
    """An org's goals; ``per_day`` is the mean number of new ones on a weekday."""

    def __init__(self, context: Context, people: People, rubrics: Rubrics, per_day: float) -> None:
        self._context = context
        self._people = people
        self._rubrics = rubrics
        self._per_day = per_day
        self._goals: list[Goal] = []
        self._deleted: list[Goal] = []

    def found(self) -> None:
        """Create the goals that exist on the first day, and some that were deleted before it."""
        for educator in self._people.educators:
            self._create(educator, days_ago=self._context.rng.randint(1, 40))
        for educator in self._people.educators[:2]:
            self._delete(self._create(educator, days_ago=60))

    def step(self) -> None:
        """Let a day pass."""
        context, rng = self._context, self._context.rng
        educators = self._people.active_educators()
        for _ in range(context.count(self._per_day)):
            self._create(rng.choice(educators))
        # a goal that is deleted and delivered on one day stays deleted, so what comes back was deleted before today
        if self._deleted and context.count(self._per_day / 6):
            goal = self._deleted.pop(rng.randrange(len(self._deleted)))
            self._goals.append(goal)
            self._publish(goal)
        for goal in self._some(context.count(self._per_day * 2, at_least=2)):
            self._change(goal)
        for goal in self._some(context.count(self._per_day / 2, at_least=1)):
            self._delete(goal)

    def _some(self, number: int) -> list[Goal]:
        return self._context.rng.sample(self._goals, min(number, len(self._goals)))

    def _create(self, owner: Person, days_ago: int = 0) -> Goal:
        context, rng = self._context, self._context.rng
        title, description = words.goal(rng)
        rubric = self._rubrics.rubrics[0]
        goal = Goal(
            id=context.new_id("goal"),
            owner=owner,
            rubric_id=rubric.id,
            title=title,
            description=description,
            school_year=context.school_year,
            created=context.moment(days_ago),
            due=(context.day + timedelta(days=rng.randint(30, 150))).isoformat(),
            indicators=[indicator.id for indicator in rng.sample(rubric.rated, 2)],
        )
        for text in ("Why this goal?", "How will you know that you have met it?"):
            goal.questions.append((context.new_id("question"), text, words.answer(rng)))
        for _ in range(rng.randint(0, 3)):
            goal.posts.append((context.new_id("post"), owner.employee_id, words.post(rng)))
        self._goals.append(goal)
        self._publish(goal)
        return goal

    def _change(self, goal: Goal) -> None:
        context, rng = self._context, self._context.rng
        change = rng.random()
        if change < 0.4 or not goal.posts:
            author = rng.choice((goal.owner, self._people.observer_of(goal.owner)))
            goal.posts.append((context.new_id("post"), author.employee_id, words.post(rng)))
        elif change < 0.7:
            goal.posts.pop(rng.randrange(len(goal.posts)))
        elif change < 0.85 and len(goal.indicators) > 1:
            goal.indicators.pop()
        else:
            goal.completed = context.moment()
        self._publish(goal)

    def _delete(self, goal: Goal) -> None:
        """Delete a goal: only Goals_Deleted.csv is sure to say so."""
        context, tables = self._context, self._context.tables
        tables.put("Goals_Deleted.csv", {"goal_id": goal.id, "goal_deleted_date": context.moment()})
        if context.rng.random() < 0.5:
            context.touch(MODIFIED, goal.id)
        for file in ("Goals.csv", "Goal_Posts.csv", "Goals_Questions.csv"):
            tables.remove(file, goal.id)
        for indicator_id in goal.ever_linked:
            tables.remove("Goals_Indicators.csv", goal.id, indicator_id)
        self._goals.remove(goal)
        self._deleted.append(goal)

    def _publish(self, goal: Goal) -> None:
        tables = self._context.tables
        self._context.touch(MODIFIED, goal.id)
        row = {
            "goal_id": goal.id,
            "employee_id": goal.owner.employee_id,
            "goal_title": goal.title,
            "goal_description": goal.description,
            "goal_status": "completed" if goal.completed else "in progress",
            "school_year": goal.school_year,
            "goal_created_date": goal.created,
            "goal_due_date": goal.due,
            "goal_completed_date": goal.completed,
        }
        tables.put("Goals.csv", row)
        for indicator_id in goal.indicators:
            goal.ever_linked[indicator_id] = None
            pair = {"goal_id": goal.id, "indicator_id": indicator_id, "rubric_id": goal.rubric_id}
            tables.put("Goals_Indicators.csv", pair)
        posts = [
            {"post_id": post, "author_employee_id": author, "post_text": text} for post, author, text in goal.posts
        ]
        tables.put_list("Goal_Posts.csv", goal.id, posts)
        questions = [
            {"question_id": question_id, "question_text": text, "answer_text": answer}
            for question_id, text, answer in goal.questions
        ]
        tables.put_list("Goals_Questions.csv", goal.id, questions)
