"""Packages that would end many records: held by the build until a person lets them through, by name and for good."""

from __future__ import annotations

import getpass
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import psycopg2
from psycopg2 import sql
from psycopg2.extensions import connection as Connection  # noqa: N812 - a class, misnamed by psycopg2

from edreflect_assets.contracts import Feed
from edreflect_assets.errors import UsageError
from edreflect_assets.loading.failures import database_failure
from edreflect_assets.loading.ledger import Ledger


@dataclass(frozen=True)
class Ending:
    """What a package would end of one file: ``ended`` records of the ``active`` ones, where that number is known."""

    file: str
    ended: int
    active: int | None

    def __str__(self) -> str:
        """Return e.g. ``45 of 120 active records of users.csv``."""
        of = f" of {self.active:,} active records" if self.active is not None else " records"
        return f"{self.ended:,}{of} of {self.file}"


@dataclass(frozen=True)
class HeldPackage:
    """A package that changes nothing until its very loads are approved."""

    org_id: str
    day: date
    load_ids: tuple[int, ...]
    endings: tuple[Ending, ...]

    @property
    def would_end(self) -> str:
        """Say what it would end, in a clause."""
        return ", ".join(map(str, self.endings)) or "many records"


@dataclass(frozen=True)
class Approval:
    """Who let a package through; ``is_new`` is False when somebody had done so before."""

    package: HeldPackage
    approved_by: str
    is_new: bool


def held_packages(connection: Connection, feed: Feed) -> list[HeldPackage]:
    """Return the packages that wait for a person, by org and day; those approved since the last build do not."""
    return [package for package, approved_by in _held(connection, feed) if approved_by is None]


def approve(connection: Connection, feed: Feed, org_id: str, day: date) -> Approval:
    """Record that a held package may be applied, by the operating system's user, and commit.

    The next build applies it. Raises UsageError when the package is not held, or was delivered anew since the build that
    held it; LoadError when the database failed.
    """
    approved_by = _operator()
    try:
        with connection, connection.cursor() as cursor:
            Ledger(feed.name, org_id, day).lock(cursor)
            found = [held for held in _held(connection, feed) if (held[0].org_id, held[0].day) == (org_id, day)]
            if not found:
                raise UsageError(_why_not(connection, feed, org_id, day))
            ((package, earlier),) = found
            if earlier is not None:
                return Approval(package, earlier, False)
            cursor.execute(
                "insert into ops.approvals (feed, org_id, day, load_ids, approved_by) values (%s, %s, %s, %s, %s)",
                (feed.name, org_id, day, list(package.load_ids), approved_by),
            )
    except psycopg2.Error as error:
        raise database_failure(error, f"approving {feed.name} of {org_id}, {day}") from None
    return Approval(package, approved_by, True)


def _held(connection: Connection, feed: Feed) -> list[tuple[HeldPackage, str | None]]:
    """Return the held packages whose loads are still current, each with who approved it, if anybody."""
    if not is_built(connection, feed):
        return []
    statement = sql.SQL(
        """
        select held.org_id, held.day, held.load_ids,
            (
                select approved_by from ops.approvals
                where approvals.feed = {feed} and approvals.org_id = held.org_id and approvals.day = held.day
                    and approvals.load_ids = held.load_ids
                order by approval_id limit 1
            ) as approved_by,
            coalesce((
                select json_agg(json_build_array(report.file, report.ended, report.active_before) order by report.file)
                from {sync_report} as report
                where report.org_id = held.org_id and report.day = held.day and report.ended > 0
            ), '[]') as endings
        from {packages} as held
        where held.status = 'held' and not exists (
            select from unnest(held.load_ids) as held_load (load_id)
            left join ops.load_log using (load_id)
            where load_log.status is distinct from 'current'
        )
        order by held.org_id, held.day
        """
    ).format(
        feed=sql.Literal(feed.name),
        sync_report=sql.Identifier(feed.name, "sync_report"),
        packages=sql.Identifier(feed.name, "packages"),
    )
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return [
            (HeldPackage(org_id, day, tuple(load_ids), _endings(endings)), approved_by)
            for org_id, day, load_ids, approved_by, endings in cursor
        ]


def _endings(endings: Sequence[tuple[str, int, int | None]]) -> tuple[Ending, ...]:
    return tuple(Ending(file, ended, active) for file, ended, active in endings)


def _why_not(connection: Connection, feed: Feed, org_id: str, day: date) -> str:
    what = f"The package of {feed.name}, {org_id}, {day}"
    if not is_built(connection, feed):
        return f"{what} is not held: nothing of {feed.name} was built yet; run `edreflect build`, which says what it holds."
    with connection.cursor() as cursor:
        cursor.execute(
            sql.SQL("select status from {} where org_id = %s and day = %s").format(
                sql.Identifier(feed.name, "packages")
            ),
            (org_id, day),
        )
        found = cursor.fetchone()
    if found is None:
        return (
            f"{what} is not held: no build has seen it; `edreflect status` shows what was delivered and what is held."
        )
    if found[0] == "held":
        return f"{what} was delivered anew since it was held; run `edreflect build`, which judges the new one."
    return f"{what} is not held: it was applied already and needs no approval."


def is_built(connection: Connection, feed: Feed) -> bool:
    """Tell whether a build has made what says which packages were applied or held."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select to_regclass(%s) is not null and to_regclass(%s) is not null",
            (f"{feed.name}.packages", f"{feed.name}.sync_report"),
        )
        return bool((cursor.fetchone() or (False,))[0])


def _operator() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
