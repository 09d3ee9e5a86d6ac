"""What validation lets through, staging can cast; what it sets aside, staging cannot."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jinja2 import Environment
from psycopg2.extensions import connection as Connection  # noqa: N812

from edreflect_assets.contracts import Column
from edreflect_assets.roster.findings import PLACE, FindingLog
from edreflect_assets.roster.validation.values import Values, datetime_faults

_MACRO = Path(__file__).parents[2] / "dbt_project" / "macros" / "staging" / "soft_cast.sql"
DATES = ["2026-02-28", "2026-02-29", "2024-02-29", "0000-01-01", "0001-01-01", "9999-12-31", "2026-13-01", "2026-1-1",
         "26-01-01", "2026-01-01 ", "+2026-01-01", "\u0662026-01-01", "2026/01/01", "2026-01-01\n", "now", "infinity"]  # fmt: skip
TIMES = ["", "T00:00", " 23:59", "T23:59:59", "T23:59:60", "T23:59:60.5", "T12:00:60", "T12:00:60.5", "T12:00:61", "T24:00",
         "T24:00:00", "T24:00:00.0", "T24:00:01", "T24:30", "T25:00", "T12:60", "T1:00", "T12:00:00.123456789", "T12",
         "t12:00", "  12:00", "T12:00:00.", "T12:00:00,5"]  # fmt: skip
OFFSETS = [
    "",
    "Z",
    "z",
    "+00",
    "-05:00",
    "+0530",
    "+15:59",
    "+16:00",
    "+14",
    "-15:59",
    "+05:60",
    "+5",
    " +05:00",
    "+05:00:00",
]


def staged(connection: Connection, texts: list[str], data_type: str) -> list[bool]:
    """Return for each text whether soft_cast gives a value."""
    template = Environment().from_string(_MACRO.read_text() + "{{ soft_cast('delivered.text', '" + data_type + "') }}")
    expression = template.render().strip().replace("%", "%%")
    with connection.cursor() as cursor:
        cursor.execute(
            f"select ({expression}) is not null from unnest(%s::text[]) with ordinality as delivered (text, place) "
            "order by place",
            (texts,),
        )
        cast = [row[0] for row in cursor.fetchall()]
    connection.rollback()
    return cast


def judged(texts: list[str], data_type: str) -> list[bool]:
    """Return for each text whether validation takes it for a value."""
    numbers = list(range(1, len(texts) + 1))
    frame = pl.DataFrame({"record": numbers, "line": numbers, "value": texts}, schema={**PLACE, "value": pl.String})
    if data_type == "timestamptz":
        faults = datetime_faults(frame["value"])
        return [True] * len(texts) if faults is None else [not fault for fault in faults]
    column = Column("value", data_type, "", assumed=False, format="year" if data_type == "integer" else None)
    log = FindingLog()
    Values(column, "users.csv", log, required=False).check(frame)
    bad = {record for group, _ in log.groups(severities=["row"]) for record in log.places(group)["record"]}
    return [number not in bad for number in numbers]


def test_dates_are_judged_as_staging_casts_them(connection: Connection) -> None:
    assert judged(DATES, "date") == staged(connection, DATES, "date")


@pytest.mark.parametrize("time", TIMES)
def test_times_are_judged_as_staging_casts_them(time: str, connection: Connection) -> None:
    texts = [f"{day}{time}{offset}" for day in DATES for offset in OFFSETS]
    wrong = [
        (text, mine)
        for text, mine, its in zip(
            texts, judged(texts, "timestamptz"), staged(connection, texts, "timestamptz"), strict=True
        )
        if mine != its
    ]
    assert wrong == []


def test_booleans_are_judged_as_staging_casts_them(connection: Connection) -> None:
    texts = [
        "true",
        "TRUE",
        "t",
        "yes",
        "Y",
        "on",
        "1",
        "false",
        "F",
        "no",
        "n",
        "off",
        "0",
        "of",
        "tru",
        " true",
        "2",
        "\uff54rue",
    ]
    assert judged(texts, "boolean") == staged(connection, texts, "boolean")


def test_years_that_pass_can_be_cast(connection: Connection) -> None:
    texts = ["2026", "0000", "9999", "26", "20261", "2026.0", "+2026", "\uff12\uff10\uff12\uff16"]
    assert all(
        its for mine, its in zip(judged(texts, "integer"), staged(connection, texts, "integer"), strict=True) if mine
    )


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.text(st.sampled_from("0123456789-:T Z+.")), min_size=1, max_size=50))
def test_any_text_is_judged_as_staging_casts_it(connection: Connection, texts: list[str]) -> None:
    for data_type in ("date", "timestamptz", "boolean"):
        assert judged(texts, data_type) == staged(connection, texts, data_type)
