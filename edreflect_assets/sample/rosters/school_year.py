"""The school year that a roster is about: its semesters and terms, every end exclusive."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class Session:
    """An academic session; ``end`` is the first day that no longer belongs to it."""

    key: str
    title: str
    type: str
    start: date
    end: date
    parent: str | None


class SchoolYear:
    """The school year that contains a day; years change on the first of July."""

    def __init__(self, day: date) -> None:
        first = day.year if day.month >= 7 else day.year - 1
        self.ends_in = first + 1
        self.start, self.end = date(first, 8, 17), date(first + 1, 6, 12)
        winter, autumn, spring = date(first + 1, 1, 11), date(first, 10, 19), date(first + 1, 3, 29)
        self.sessions = tuple(
            Session(key, f"{title} {first}-{first + 1}", kind, start, end, parent)
            for key, title, kind, start, end, parent in (
                ("year", "School year", "schoolYear", self.start, self.end, None),
                ("s1", "Semester 1", "semester", self.start, winter, "year"),
                ("s2", "Semester 2", "semester", winter, self.end, "year"),
                ("q1", "Term 1", "term", self.start, autumn, "s1"),
                ("q2", "Term 2", "term", autumn, winter, "s1"),
                ("q3", "Term 3", "term", winter, spring, "s2"),
                ("q4", "Term 4", "term", spring, self.end, "s2"),
            )
        )
        self._by_key = {session.key: session for session in self.sessions}

    def period(self, keys: tuple[str, ...]) -> tuple[date, date]:
        """Return the first day of some sessions and the day on which the last of them is over."""
        sessions = [self._by_key[key] for key in keys]
        return min(session.start for session in sessions), max(session.end for session in sessions)
