"""Offboarding snapshots made from their contract: every listed file once, with rows whose parents are there."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from datetime import date as Date  # noqa: N812 - also the name of a type of columns
from decimal import Decimal
from hashlib import sha256
from typing import Any

from edreflect_assets.contracts import Column, FileContract, load_feeds
from tests.model.picture.log import Delivery
from tests.properties.educator_ids import written

FEED = load_feeds()["offboarding"]
FIRST, SECOND, THIRD = Date(2026, 3, 2), Date(2026, 3, 5), Date(2026, 3, 6)
ROWS = 2
MOMENT = "2026-02-01T08:01:00Z"
# Longer than an index takes, and nothing that could be compressed.
LONG = "".join(sha256(str(number).encode()).hexdigest() for number in range(50))
# What the relations of a table call columns of their own, and names that are no words in ASCII.
ODD_COLUMNS = ("_hash", "level", "_day", "_json", "valid_from", "valid_to", "day", "raw", "año")
Cells = dict[str, str | None]
Sheets = dict[str, list[Cells]]


def plausible(org: str, *, rows: int = ROWS) -> Sheets:
    """Return rows of all 83 files by file; texts are the org's own, ids are not."""
    return {
        file: [_row(org, contract, file, number) for number in range(1, rows + 1)]
        for file, contract in FEED.files.items()
    }


def delivery(org: str, day: Date, sheets: Mapping[str, list[Cells]]) -> Delivery:
    """Return files with all columns that are known of them, and those that their rows bring."""
    files = {}
    for file, rows in sheets.items():
        contract = FEED.match(file)
        known = [header(column) for column in contract.columns] if contract and contract.listed else []
        files[file] = written(dict.fromkeys([*known, *(column for row in rows for column in row)]), rows)
    return Delivery("offboarding", org, day, files)


def minimal(**changed: list[Cells]) -> Sheets:
    """Return the first file of each group that is needed, and ``changed`` files (with ``__`` for dots)."""
    roots = {f"{group}.csv": [] for group, optional in FEED.convention.groups.items() if not optional}  # type: ignore[union-attr]
    return {**roots, **{f"{name.replace('__', '.')}.csv": rows for name, rows in changed.items()}}


def changed_sheets() -> dict[str, Any]:
    """Return the first snapshot of ``leaving`` as it is three days later: one row of each of these files is another."""
    sheets = deepcopy(plausible("leaving"))
    sheets["artifacts.csv"][0]["name"] = "renamed"
    del sheets["goals.questions.csv"][0]
    sheets["users.grades.csv"].append({"_id": "users 1", "grade": "12"})
    sheets["users.grades.csv"].append({"_id": "users 1", "grade": "12"})
    return sheets


def odd_sheets() -> dict[str, Any]:
    """Return a complete snapshot with one of everything that may be odd."""
    return minimal(
        users=[
            {"_id": "ada", "employeeID": "e-1", "oldID": "7", "createdDate": MOMENT, "isActive": "true"},
            {"_id": "eve", "employeeID": "e-1", "oldID": "8", "createdDate": "1769932860000", "isActive": "true"},
            {"_id": "bob", "employeeID": "e-2", "createdDate": "yesterday", "isActive": "true"},
            {"_id": "cyd", "employeeID": "e-3", "createdDate": "2026", "isActive": "maybe"},
            {"_id": "dan", "employeeID": "e-4", "createdDate": "-86400000000", "isActive": "false"},
            {"_id": None, "employeeID": "e-5", "isActive": "true"},
            {"_id": LONG, "employeeID": "e-6", "isActive": "true"},
            {"_id": "fay", "employeeID": LONG, "oldID": LONG, "isActive": "true"},
        ],
        users__badges=[{"_id": "ada", "badgeName": "gold", "givenOn": "1769932860000"}],
        users__badgesDocument=[{"_id": "ada", **dict.fromkeys(ODD_COLUMNS, "kept")}],
        rubrics__indicators__hints=[{"_id": "r1", "level": "kept"}],
        artifacts=[
            {"_id": "a1", "name": '{"pages": [1, 2]}', "url": "[not json", "type": "[]"},
            {"_id": "a2", "name": "plain"},
        ],
        observations=[{"_id": "o1"}],
        observations__work=[
            {"_id": "o1", "workId": "w1"},
            {"_id": "o2", "workId": "w1"},
            {"_id": "o2", "workId": "w2"},
        ],
        observations__work__steps=[
            {"_id": "o1", "workId": "w1", "stepId": "s1"},
            {"_id": "o1", "workId": "w9", "stepId": "s2"},
        ],
        rubrics=[{"_id": "r1"}],
        rubrics__indicators=[{"_id": "r1", "indicatorId": "top"}],
        rubrics__indicators__indicators=[
            {"_id": "r1", "indicatorId": "below", "parentIndicatorId": "top"},
            {"_id": "r1", "indicatorId": "lost", "parentIndicatorId": "gone"},
        ],
        rubrics__indicators__indicators__indicators=[
            {"_id": "r1", "indicatorId": "third", "parentIndicatorId": "below"}
        ],
        rubrics__indicators__indicators__indicators__indicators=[
            {"_id": "r1", "indicatorId": "fourth", "parentIndicatorId": "third"}
        ],
    )


def header(column: Column) -> str:
    return column.header or column.name


def value_of(column: Column, cell: str | None) -> Any:
    """Return what a cell means as a value of its column's type."""
    if cell is None or column.data_type == "text":
        return cell
    if column.data_type == "timestamp":
        milliseconds = int(cell) if cell.isdigit() else 0
        return (
            datetime(1970, 1, 1) + timedelta(milliseconds=milliseconds)
            if milliseconds
            else datetime.fromisoformat(cell[:19])
        )
    casts: dict[str, Any] = {
        "integer": int, "numeric": Decimal, "date": Date.fromisoformat, "boolean": lambda text: text == "true",
    }  # fmt: skip
    return casts[column.data_type](cell)


def values(file: str, rows: list[Cells]) -> list[dict[str, Any]]:
    """Return the rows of a file as those of its table."""
    contract = FEED.match(file)
    assert contract is not None
    depth = {"level": file.count(".indicators")} if is_nested(contract.table) else {}
    return [
        {column.name: value_of(column, row.get(header(column))) for column in contract.columns} | depth for row in rows
    ]


def is_nested(table: str) -> bool:
    """Tell whether rows of a table say how deep they are: indicators of rubrics and what belongs to them."""
    return table.startswith("rubrics__") and "__indicators" in table


def _row(org: str, contract: FileContract, file: str, number: int) -> Cells:
    row = {header(column): _cell(org, contract, column, number) for column in contract.columns}
    if is_nested(contract.table):
        depth = file.count(".indicators")
        row["indicatorId"] = f"indicator {number} of level {depth}"
        if contract.table == "rubrics__indicators":
            row["parentIndicatorId"] = f"indicator {number} of level {depth - 1}" if depth > 1 else None
    return row


def _cell(org: str, contract: FileContract, column: Column, number: int) -> str:
    """Return a cell that a person could take for a real one; ids are the same below each other, and for every org."""
    moment = datetime(2026, 2, 1, 8, number, tzinfo=UTC)
    if column.name == "_id":
        return f"{FEED.group_of(contract)} {number}"
    if column.name.endswith("_id"):
        return f"{column.name} {number}"
    if column.data_type == "timestamp":
        iso = (len(column.name) + number) % 2
        return moment.strftime("%Y-%m-%dT%H:%M:%SZ") if iso else str(int(moment.timestamp() * 1000))
    plain = {
        "integer": str(number),
        "numeric": f"{number}.50",
        "boolean": "true" if number % 2 else "false",
        "date": "2026-06-30",
    }
    return plain.get(column.data_type) or f"{column.name} {number} of {org}"
