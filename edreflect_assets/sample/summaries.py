"""What the source sums up from ratings: snapshots (with the end-of-year classification) and trendings."""

from __future__ import annotations

from dataclasses import dataclass

from edreflect_assets.sample import words
from edreflect_assets.sample.context import Context
from edreflect_assets.sample.observation_rows import publish
from edreflect_assets.sample.observations import Observation, Observations
from edreflect_assets.sample.people import People, Person


@dataclass
class Trending:
    """Ratings of a learner over time."""

    id: str
    learner: Person
    name: str
    school_year: str
    created: str


class Summaries:
    """An org's snapshots and trendings; ``per_day`` is the mean number of new ones on a weekday."""

    def __init__(self, context: Context, people: People, observations: Observations, per_day: float) -> None:
        self._context = context
        self._people = people
        self._observations = observations
        self._per_day = per_day
        self._trendings: list[Trending] = []

    def found(self) -> None:
        """Create the summaries that exist on the first day."""
        for observation in self._observations.completed()[:10]:
            self._take_snapshot(observation)
        for learner in self._people.educators[::3]:
            self._follow(learner)

    def step(self) -> None:
        """Let a day pass."""
        context, rng = self._context, self._context.rng
        completed = self._observations.completed()
        for _ in range(context.count(self._per_day) if completed else 0):
            self._take_snapshot(rng.choice(completed))
        for _ in range(context.count(self._per_day / 3)):
            self._follow(rng.choice(self._people.active_educators()))
        for trending in rng.sample(self._trendings, min(context.count(self._per_day), len(self._trendings))):
            self._publish(trending)

    def _take_snapshot(self, observation: Observation) -> None:
        context = self._context
        snapshot_id, learner_id = context.new_id("snapshot"), observation.learner.employee_id
        row = {
            "snapshot_id": snapshot_id,
            "snapshot_name": f"Mid-year, {observation.template.name}",
            "learner_employee_id": learner_id,
            "created_by_employee_id": observation.observer.employee_id,
            "school_year": observation.school_year,
            "snapshot_created_date": context.moment(),
        }
        context.tables.put("Snapshots.csv", row)
        for rating in observation.ratings:
            copied = {
                "snapshot_id": snapshot_id,
                "indicator_id": rating.indicator_id,
                "proficiency_level_id": rating.level_id,
                "rating_value": str(rating.place + 1),
            }
            context.tables.put("Snapshots_Ratings.csv", copied)
        averages = {rating.indicator_id: f"{rating.place + 1:.2f}" for rating in observation.ratings}
        observation.snapshots.append((snapshot_id, observation.steps[0].id, averages))
        average = sum(map(float, averages.values())) / max(1, len(averages))
        classification = {
            "snapshot_id": snapshot_id,
            "learner_employee_id": learner_id,
            "classification": words.LEVELS[max(0, round(average) - 1)],
            "average_rating": f"{average:.2f}",
            "school_year": observation.school_year,
        }
        context.tables.put("Aggregated_Eoy_Snapshots.csv", classification)
        publish(context, observation)

    def _follow(self, learner: Person) -> None:
        context = self._context
        trending = Trending(
            context.new_id("trending"), learner, "Last three visits", context.school_year, context.moment()
        )
        self._trendings.append(trending)
        self._publish(trending)

    def _publish(self, trending: Trending) -> None:
        """Export a trending with the ratings of the learner's observations so far; indicators come and go."""
        row = {
            "trending_id": trending.id,
            "trending_name": trending.name,
            "learner_employee_id": trending.learner.employee_id,
            "school_year": trending.school_year,
            "trending_created_date": trending.created,
        }
        values: dict[str, list[int]] = {}
        seen = [known for known in self._observations.completed() if known.learner is trending.learner]
        for rating in (rating for known in seen[-3:] for rating in known.ratings):
            values.setdefault(rating.indicator_id, []).append(rating.place + 1)
        ratings = [
            {
                "indicator_id": indicator_id,
                "rating_value": f"{sum(given) / len(given):.2f}",
                "rating_count": str(len(given)),
            }
            for indicator_id, given in values.items()
        ]
        self._context.tables.put("Trendings.csv", row)
        self._context.tables.put_list("Trending_Ratings.csv", trending.id, ratings)
