"""School years, each named by the year in which it ends: which there can be, and which a publication of an org is about."""

from __future__ import annotations

from dataclasses import dataclass

from psycopg2.extensions import connection as Connection  # noqa: N812 - psycopg2 names its class in lower case

# The first and the last; others are typing errors.
SCHOOL_YEARS = 1900, 9999


@dataclass(frozen=True)
class Scope:
    """Whose resources of which school year (by the year in which it ends) a publication is about."""

    org_id: str
    school_year: int


@dataclass(frozen=True)
class Years:
    """School years that concern an org: those that the newest programs speak of, and those that only the map knows."""

    delivered: tuple[int, ...]
    only_mapped: tuple[int, ...]


def school_years(connection: Connection, org_id: str) -> Years:
    """Return the school years that a publication of an org may be about."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "select distinct school_year from infinite_campus.programs where org_id = %s and school_year between %s and %s",
            [org_id, *SCHOOL_YEARS],
        )
        delivered = {int(year) for (year,) in cursor.fetchall()}
        cursor.execute("select distinct school_year from edfi.identity_map where org_id = %s", [org_id])
        mapped = {int(year) for (year,) in cursor.fetchall()}
    return Years(tuple(sorted(delivered)), tuple(sorted(mapped - delivered)))
