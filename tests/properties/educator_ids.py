"""Ids of before the refresh and the maps to those of today; and how any file is written."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from random import Random

from tests.model.rules import ID_MAPS
from tests.properties.educator_source import Source

Row = dict[str, str | None]

# kind of the source -> kinds of id maps
MAPPED = {
    "goal": ["goal"], "indicator": ["indicator"], "observation": ["observation_group"], "template": ["observation_template"],
    "organization": ["organization"], "rubric": ["rubric"], "slo_assessment": ["slo_assessment"], "slo": ["slo"],
    "slo_template": ["slo_template"], "step": ["step"], "snapshot": ["snapshot"], "user": ["user"],
    "artifact": ["artifact", "artifact_content"],
}  # fmt: skip


def old_id(identity: str) -> str:
    return identity.rsplit("-", 1)[1]


def id_maps(source: Source, random: Random, *, holes: float, swap: bool = False) -> dict[str, bytes]:
    """Return the maps of what there is now, as of the refresh. ``swap``: two ids of each kind were mixed up."""
    maps: dict[str, dict[str, str]] = {kind: {} for kind in ID_MAPS}
    for kind, map_kinds in MAPPED.items():
        for n in range(1, source.numbers_given[kind] + 1):
            if random.random() >= holes:
                maps[map_kinds[n % len(map_kinds)]][str(n)] = f"{kind}-{n}"
        first = maps[map_kinds[0]]
        if swap and len(first) > 1:
            one, other = random.sample(sorted(first), 2)
            first[one], first[other] = first[other], first[one]
    return {f"{kind}_ids.csv": id_map(known) for kind, known in maps.items()}


def id_map(known: Mapping[str, str]) -> bytes:
    return written(["old_id", "new_id"], [{"old_id": old, "new_id": new} for old, new in known.items()])


def written(columns: Iterable[str], rows: Iterable[Row]) -> bytes:
    sheet = io.StringIO(newline="")
    writer = csv.DictWriter(sheet, list(columns), extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return sheet.getvalue().encode()
