"""What a simulated source leaves to chance, drawn from one ``random.Random`` so that a seed replays it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import date
from random import Random
from typing import Any

Document = dict[str, Any]


class Chance:
    """Ids that count up by kind, moments of today, and choices."""

    def __init__(self, random: Random, today: date) -> None:
        self.random, self.today = random, today
        self.numbers_given: dict[str, int] = defaultdict(int)

    def new_id(self, kind: str) -> str:
        self.numbers_given[kind] += 1
        return f"{kind}-{self.numbers_given[kind]}"

    def moment(self) -> str:
        return f"{self.today}T{self.random.randint(0, 23):02}:{self.random.choice((0, 15, 59)):02}:00"

    def some(self, values: Iterable[Any], most: int) -> list[Any]:
        ordered = sorted(values)
        return self.random.sample(ordered, min(len(ordered), self.random.randint(0, most)))

    def one(self, values: Iterable[Any]) -> Any:
        return self.random.choice(sorted(values))

    def items(
        self, items: list[Document], make: Callable[[], Document], *, may_go: bool = True, most: int = 2
    ) -> list[Document]:
        """Keep some items of a list and add others."""
        kept = [each for each in items if not may_go or self.random.random() < 0.7]
        return kept + [make() for _ in range(self.random.randint(0, most)) if len(kept) < 4]
