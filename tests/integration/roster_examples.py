"""Examples of rosters: an org's packages written by hand, loaded and built in two steps, all examples together."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime

from edreflect_assets.database import connect
from edreflect_assets.settings import Settings
from tests.model.roster import platform
from tests.model.roster.log import Delivery, Log
from tests.model.roster.records import Sheet
from tests.model.roster.sheets import delivery


@dataclass(frozen=True)
class Approval:
    """Someone lets a held package through."""

    org: str
    day: date


@dataclass(frozen=True)
class Example:
    """One org's packages and approvals, before the first build and before the second."""

    org: str
    tenant: str
    first: tuple[Delivery | Approval, ...]
    then: tuple[Delivery | Approval, ...]


@dataclass(frozen=True)
class Package:
    """The files of one day, in a version of the standard; ``says`` is what its manifest says otherwise."""

    day: date
    sheets: tuple[Sheet, ...]
    version: str
    says: tuple[tuple[str, str], ...]


def on(day: date, *sheets: Sheet, version: str = "1.1", **says: str) -> Package:
    """Return the package of a day."""
    return Package(day, sheets, version, tuple(says.items()))


def example(org: str, *first: Package | date, then: tuple[Package | date, ...] = (), tenant: str = "") -> Example:
    """Return an org's example; packages are loaded in the order in which they are written, a day approves its package."""

    def events(parts: tuple[Package | date, ...]) -> tuple[Delivery | Approval, ...]:
        return tuple(
            delivery(org, part.day, part.sheets, part.version, **dict(part.says))
            if isinstance(part, Package)
            else Approval(org, part)
            for part in parts
        )

    return Example(org, tenant or org, events(first), events(then))


def midnight(day: date) -> datetime:
    """Return the start of a day, UTC without a zone."""
    return datetime(day.year, day.month, day.day)


def build(settings: Settings, examples: Iterable[Example], today: date) -> None:
    """Load and build what comes first in every example, then what comes after it."""
    cases = list(examples)
    with closing(connect(settings)) as connection:
        platform.register(connection, {case.org: case.tenant for case in cases})
        for phase in ("first", "then"):
            for case in cases:
                for event in getattr(case, phase):
                    if isinstance(event, Approval):
                        platform.approve(connection, event.org, event.day)
                    else:
                        platform.load(connection, settings, event)
            platform.build_rosters(settings, today)


def logged(case: Example) -> Log:
    """Return an example's packages and approvals as the model keeps them."""
    log = Log()
    for event in (*case.first, *case.then):
        if isinstance(event, Approval):
            log.approve(event.org, event.day)
        else:
            log.load(event)
    return log
