"""Whether a delivery made of file groups is all there: what a person should know, though all that came is loaded.

An incomplete delivery does not become the current state. What is asked is the ledger, through ``ops.snapshot_deliveries``,
as the models ask it, too: files of a day that come one after the other make one delivery.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from psycopg2.extensions import connection as Connection  # noqa: N812 - psycopg2 names its class in lower case
from psycopg2.extensions import cursor as Cursor  # noqa: N812

from edreflect_assets.contracts import Feed
from edreflect_assets.convention import SUFFIX

INCOMPLETE, MISSING_TABLE = "incomplete", "missing_table"
_WHAT_NOW = "this snapshot does not become the current one; ask for the group's files and deliver them into the same day's folder"


@dataclass(frozen=True)
class Completeness:
    """What an org's delivery of a day lacks.

    ``missing_groups`` have no file and are not optional, ``missing_tables`` are listed ones of groups that came,
    ``unlisted_files`` were loaded by the naming convention alone; each in the order of their names.
    """

    missing_groups: tuple[str, ...]
    missing_tables: tuple[str, ...]
    unlisted_files: tuple[str, ...]

    @property
    def is_complete(self) -> bool:
        """Whether every group has a file that is not optional."""
        return not self.missing_groups


def snapshot_completeness(connection: Connection, feed: Feed, org_id: str, day: date) -> Completeness:
    """Return what an org's delivery of a day lacks, by the current loads; in the connection's transaction."""
    with connection.cursor() as cursor:
        return completeness(cursor, feed, org_id, day)


def completeness(cursor: Cursor, feed: Feed, org_id: str, day: date) -> Completeness:
    """Return the same in the caller's transaction, before it has ended."""
    cursor.execute(
        """
        select missing_groups, missing_tables, unlisted_files from ops.snapshot_deliveries
        where feed = %s and org_id = %s and day = %s
        """,
        (feed.name, org_id, day),
    )
    found = cursor.fetchone()
    if found is None:
        groups = feed.convention.groups if feed.convention else {}
        return Completeness(tuple(sorted(group for group, optional in groups.items() if not optional)), (), ())
    return Completeness(*map(tuple, found))


def findings(feed: Feed, found: Completeness) -> tuple[Mapping[str, Any], ...]:
    """Return what is to be said of a delivery, in the shape of a ``DeliveryReport``'s findings, errors first."""
    listed = [
        _finding(INCOMPLETE, "error", f"{group}{SUFFIX}", f"no file of the group {group} came; {_WHAT_NOW}")
        for group in found.missing_groups
    ]
    for table in found.missing_tables:
        contract = feed.tables[table]
        group = feed.group_of(contract)
        others = [
            file for file in found.unlisted_files if (other := feed.match(file)) and feed.group_of(other) == group
        ]
        beside = f"unlisted files of its group are {', '.join(others)}" if others else "its group has no unlisted file"
        listed.append(_finding(MISSING_TABLE, "warning", contract.file, f"it did not come; {beside}"))
    return tuple(listed)


def _finding(code: str, severity: str, file: str, text: str) -> Mapping[str, Any]:
    return {"code": code, "severity": severity, "file": file, "column": None, "text": text, "count": 1, "lines": []}
