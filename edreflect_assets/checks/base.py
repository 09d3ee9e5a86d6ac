"""What a check gives back, and the few things every check needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Literal

from psycopg2 import sql
from psycopg2.extensions import connection as Connection  # noqa: N812 - a class, misnamed by psycopg2

from edreflect_assets.contracts import Feed
from edreflect_assets.orgs import Org

# Checks of single loads look at those of the last two weeks: older findings were reported then, and the cost stays flat
# however long the ledger grows. Gaps, lateness and refusals are reported until they are resolved.
WINDOW = timedelta(days=14)
NAMED_AT_MOST = 20

Severity = Literal["error", "warn"]
Registry = Mapping[str, Org]


@dataclass(frozen=True)
class CheckResult:
    """What a check found; ``text`` is for a person, ``metadata`` holds the same as numbers."""

    name: str
    passed: bool
    severity: Severity
    text: str
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Check:
    """A named check, the sentence that says what it looks at, and the feeds that it makes sense for."""

    name: str
    description: str
    run: Callable[[Connection, Feed, Registry, datetime], CheckResult]
    applies: Callable[[Feed], bool] = lambda _: True


def result(
    name: str, severity: Severity, found: Sequence[str], *, good: str, meaning: str, resolve: str, **metadata: Any
) -> CheckResult:
    """Return a passed result with the sentence ``good``, or a failed one that names what was ``found``."""
    if not found:
        return CheckResult(name, True, severity, good, {"findings": 0, **metadata})
    named = "; ".join(found[:NAMED_AT_MOST])
    if len(found) > NAMED_AT_MOST:
        named += f"; and {len(found) - NAMED_AT_MOST} more"
    return CheckResult(name, False, severity, f"{named}. {meaning}. {resolve}.", {"findings": len(found), **metadata})


def query(connection: Connection, statement: str | sql.Composable, **parameters: Any) -> list[tuple[Any, ...]]:
    """Return all rows of a statement."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters or None)
        return cursor.fetchall()


def window_start(connection: Connection, now: datetime) -> int:
    """Return the id of the newest load that is older than WINDOW; walks back over the window's loads only."""
    found = query(
        connection,
        "select load_id from ops.load_log where loaded_at < %(start)s order by load_id desc limit 1",
        start=now - WINDOW,
    )
    return int(found[0][0]) if found else 0


def column_list(relation: str, names: Sequence[str]) -> sql.Composable:
    """Return columns of a relation, separated by commas."""
    return sql.SQL(", ").join(sql.Identifier(relation, name) for name in names)


def same_values(left: str, right: str, names: Sequence[str]) -> sql.Composable:
    """Return the condition that two relations agree in columns that are not NULL."""
    return sql.SQL(" and ").join(
        sql.SQL("{} = {}").format(sql.Identifier(left, name), sql.Identifier(right, name)) for name in names
    )


def where(org: str, day: date | None) -> str:
    """Name an org and a day."""
    return f"{org}, {day}" if day else f"{org}, files without a day"


def span(first: date | None, last: date | None) -> str:
    """Name a range of days."""
    if first is None or last is None:
        return "files without a day"
    return str(first) if first == last else f"{first} to {last}"


def plural(count: int, noun: str) -> str:
    """Return a count with its noun."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def day_list(days: Sequence[date]) -> str:
    """Name the first of some days, and the last."""
    return ", ".join(map(str, days[:5])) + (f", ... {days[-1]}" if len(days) > 5 else "")
