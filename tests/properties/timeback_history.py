"""Random histories of the TimeBack feed: what an org delivers day by day, and everything that goes wrong on the way.

Files are left out, spelt in other ways, delivered late, again with other bytes, or refused, in any order of the days. Every
choice is drawn from one ``random.Random``, so that a seed replays a history.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from random import Random

from tests.model.timeback.log import Delivery
from tests.model.timeback.tables import DELETED, TABLES, Table
from tests.properties.roster_history import DAYS
from tests.properties.sheets import quoted
from tests.properties.timeback_source import Fields, Source


@dataclass(frozen=True)
class History:
    """One org's deliveries in the order in which they are loaded."""

    org: str
    tenant: str
    deliveries: tuple[Delivery, ...]


def random_history(random: Random, org: str, tenant: str, neighbours: tuple[str, ...]) -> History:
    """Return a history; versions of one day keep their order, days do not. ``neighbours`` are the orgs of the tenant."""
    source = Source(random, org, neighbours)
    by_day = [_versions(source, org, day) for day in DAYS if random.random() < 0.85]
    return History(org, tenant, tuple(_in_some_order(random, by_day)))


def _versions(source: Source, org: str, day: date) -> list[Delivery]:
    """Return what is delivered for one day: an export, then perhaps corrections of some files, and older bytes again."""
    random = source.random
    versions = [_export(source, org, day, random.choice((0.8, 0.5)))]
    while random.random() < 0.3 and len(versions) < 4:
        versions.append(random.choice(versions) if random.random() < 0.4 else _export(source, org, day, 0.25))
    return versions


def _export(source: Source, org: str, day: date, share: float) -> Delivery:
    """Return a delivery with about this ``share`` of the files, now and then with one that refuses all of it."""
    random = source.random
    files: dict[str, bytes] = {}
    for name, table in TABLES.items():
        if random.random() < share:
            file = table.file.upper() if random.random() < 0.01 else table.file
            files[file] = written(random, table, source.rows(name))
    if files and random.random() < 0.04:
        bad = next(iter(files))
        files[bad] = random.choice((b"", b"unheard_of\nx\n", b"id,identifier,ID\n"))
    return Delivery(org, day, files)


def written(random: Random, table: Table, rows: Sequence[Fields]) -> bytes:
    """Return the rows as CSV in one of the many ways in which the loader must be able to read it."""
    names = [column for column in table.columns if column in table.key or random.random() < 0.98]
    if random.random() < 0.5 or any(row[DELETED] for row in rows):
        names.append(DELETED)
    if random.random() < 0.2:
        random.shuffle(names)
    extra = ["surprise"] if random.random() < 0.03 else []
    header = [_spelt(random, name) for name in (*names, *extra)]
    lines = [",".join(header).encode()]
    for row in rows:
        fields = [_field(random, row[name], alone=len(header) == 1) for name in names] + ["extra" for _ in extra]
        lines.append(",".join(fields).encode())
    if random.random() < 0.04:
        lines.insert(random.randint(1, len(lines)), ",".join(["ragged"] * (len(header) + 1)).encode())
    if random.random() < 0.02:
        lines.insert(random.randint(1, len(lines)), b",".join([b"caf\xe9"] * len(header)))
    end = b"\r\n" if random.random() < 0.1 else b"\n"
    bom = b"\xef\xbb\xbf" if random.random() < 0.1 else b""
    return bom + end.join(lines) + (b"" if random.random() < 0.1 else end)


def _spelt(random: Random, name: str) -> str:
    return random.choice((name.upper(), name.title(), f" {name} ")) if random.random() < 0.06 else name


def _field(random: Random, text: str, *, alone: bool) -> str:
    return "" if not text and not alone and random.random() < 0.7 else quoted(text, always=random.random() < 0.1)


def _in_some_order(random: Random, by_day: Sequence[list[Delivery]]) -> list[Delivery]:
    """Return the deliveries of all days as they came, from the last day to the first, or mixed."""
    order = random.choice(("forward", "backward", "mixed", "mixed"))
    if order != "mixed":
        return [each for versions in by_day[:: 1 if order == "forward" else -1] for each in versions]
    waiting, mixed = [list(versions) for versions in by_day], []
    while any(waiting):
        mixed.append(random.choice([versions for versions in waiting if versions]).pop(0))
    return mixed
