"""Records of a roster as they should not be: one is to be set aside, one means what it should mean."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from edreflect_assets.sample.rosters.groups import ENROLLMENTS, USERS
from edreflect_assets.sample.tables import Row

BROKEN_SUFFIX = "-x"


def soiled(file: str, rows: Iterator[Row]) -> Iterator[Row]:
    """Yield a full file's rows with dirt.

    enrollments.csv has one record more, whose begin is a day that does not exist and whose sourcedId ends in
    BROKEN_SUFFIX; in users.csv the first ``enabledUser`` is written in capitals.
    """
    first = next(rows)
    if file == ENROLLMENTS:
        broken = {**first, "sourcedId": first["sourcedId"] + BROKEN_SUFFIX, "beginDate": "2026-02-31"}
        return chain([first, broken], rows)
    if file == USERS:
        return chain([{**first, "enabledUser": first["enabledUser"].upper()}], rows)
    return chain([first], rows)
