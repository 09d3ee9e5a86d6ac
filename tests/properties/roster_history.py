"""Random histories of orgs' rosters: packages as a source system exports them, and everything that goes wrong on the way.

Records are spoiled, files left out, packages repeated, corrected, refused and delivered late, in any order. Every choice
is drawn from one ``random.Random``, so that a seed replays a history.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from tests.model.roster.entities import ENTITIES
from tests.model.roster.log import Delivery
from tests.model.roster.records import Sheet
from tests.model.roster.sheets import delivery
from tests.properties.roster_source import SourceSystem

DAYS = tuple(date(2026, 3, 2) + timedelta(days=n) for n in range(6))
BROKEN = {
    "startDate": "2026-02-30", "endDate": "8/27/2018", "beginDate": "2017/4/1", "type": "planet", "role": "wizard",
    "classType": "open", "enabledUser": "perhaps", "primary": "maybe", "title": "", "username": "", "roleType": "",
    "schoolYear": "25-26", "dateLastModified": "yesterday", "status": "gone", "userSourcedId": "", "name": "",
}  # fmt: skip


@dataclass(frozen=True)
class History:
    """One org's packages in the order in which they are loaded."""

    org: str
    tenant: str
    deliveries: tuple[Delivery, ...]


def random_history(random: Random, org: str, tenant: str) -> History:
    """Return a history with everything that may go wrong; versions of one day keep their order, days do not."""
    source = SourceSystem(random, tenant)
    by_day: list[list[Delivery]] = []
    for day in DAYS:
        changed = source.pass_day()
        if random.random() < 0.85:
            by_day.append(_versions(random, org, day, source, changed, by_day))
    return History(org, tenant, tuple(_in_some_order(random, by_day)))


def _versions(
    random: Random,
    org: str,
    day: date,
    source: SourceSystem,
    changed: set[tuple[str, str]],
    earlier: Sequence[list[Delivery]],
) -> list[Delivery]:
    """Return what is delivered for one day: an export, then perhaps corrections, older bytes and repeats of it."""
    if earlier and random.random() < 0.15:
        # nothing has changed since the day before, down to the last byte
        return [Delivery(org, day, earlier[-1][-1].sheets)]
    versions = [_export(random, org, day, source, changed)]
    while random.random() < 0.25 and len(versions) < 4:
        again = random.random() < 0.5
        versions.append(random.choice(versions) if again else _export(random, org, day, source, changed))
    return versions


def _export(random: Random, org: str, day: date, source: SourceSystem, changed: set[tuple[str, str]]) -> Delivery:
    """Return a package: some files whole, some as changes, some not at all."""
    share, deltas = random.choice((1.0, 0.8, 0.4)), random.choice((0.0, 0.3, 1.0))
    sheets: list[Sheet] = []
    for file in source.files():
        if random.random() > share:
            continue
        if random.random() < deltas:
            sheets.append(source.delta(file, day, {key for name, key in changed if name == file}))
        else:
            sheets.append(_with_stray_times(random, source.bulk(file)))
    quiet = {sheet.file.removesuffix(".csv"): "delta" for sheet in sheets if not sheet.lines}
    spoiled = [_spoiled(random, sheet) for sheet in sheets]
    if random.random() < 0.03:
        spoiled.append(Sheet("orgs.csv", ENTITIES["orgs.csv"].headers, ()))
        quiet.pop("orgs", None)
    elif random.random() < 0.05:
        spoiled, quiet = [], {}
    return delivery(org, day, spoiled, source.version, **quiet)


def _with_stray_times(random: Random, sheet: Sheet) -> Sheet:
    """Fill in status or dateLastModified in some lines of a full file, where they mean nothing."""
    if random.random() > 0.1 or len(sheet.lines) < 2:
        return sheet
    status, time = sheet.header.index("status"), sheet.header.index("dateLastModified")
    first, *others = [list(line) for line in sheet.lines]
    for line in others:
        line[status] = random.choice(("", "active", "inactive"))
        line[time] = random.choice(("", "2026-03-20T00:00:00Z"))
    return Sheet(sheet.file, sheet.header, tuple(map(tuple, (first, *others))))


def _spoiled(random: Random, sheet: Sheet) -> Sheet:
    """Return the file with some lines broken, doubled or lost."""
    lines: list[tuple[str, ...]] = []
    is_delta = all(sheet.field(line, "status") and sheet.field(line, "dateLastModified") for line in sheet.lines)
    for line in sheet.lines:
        chance = random.random()
        if chance < 0.02 and len(sheet.lines) > 3:
            continue
        lines.append(_broken(random, sheet, line, is_delta) if chance < 0.07 else line)
        if chance > 0.98:
            lines.append(_broken(random, sheet, line, is_delta) if random.random() < 0.3 else line)
    return Sheet(sheet.file, sheet.header, tuple(lines))


def _broken(random: Random, sheet: Sheet, line: tuple[str, ...], is_delta: bool) -> tuple[str, ...]:
    """Return a line that breaks a rule, its sourcedId and the file's mode left as they are."""
    if random.random() < 0.2:
        return (*line, "one field too many")
    values: Mapping[str, str] = BROKEN if is_delta else {**BROKEN, "status": "tobedeleted", "dateLastModified": ""}
    header = random.choice([name for name in sheet.header if name in values])
    at = sheet.header.index(header)
    return (*line[:at], values[header], *line[at + 1 :])


def _in_some_order(random: Random, by_day: Sequence[list[Delivery]]) -> list[Delivery]:
    """Return the deliveries of all days as they came, from the last day to the first, or mixed."""
    order = random.choice(("forward", "forward", "backward", "mixed"))
    if order != "mixed":
        return [each for versions in by_day[:: 1 if order == "forward" else -1] for each in versions]
    waiting, mixed = [list(versions) for versions in by_day], []
    while any(waiting):
        mixed.append(random.choice([versions for versions in waiting if versions]).pop(0))
    return mixed
