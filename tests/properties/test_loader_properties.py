"""Whatever a file holds: what is clean is read as Python's csv module reads it, and nothing is lost or made up."""

from __future__ import annotations

import csv
import io
from datetime import date
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg2.extensions import connection as Connection  # noqa: N812

from edreflect_assets.contracts import load_feeds
from edreflect_assets.landing import Delivery, Landing
from edreflect_assets.loading.copy_input import CopyInput
from edreflect_assets.loading.fast import FastSplit, Split
from edreflect_assets.loading.load import LoadOptions, load_delivery
from edreflect_assets.loading.reader import RecordReader, Rejected
from edreflect_assets.loading.strict import Shape
from edreflect_assets.settings import Settings

EDREFLECT = load_feeds()["edreflect"]
COLUMNS = ("goal_id", "employee_id", "goal_title")

# Text that PostgreSQL stores (no NUL, no surrogates), rich in what separates and quotes.
values = st.text(
    st.one_of(st.sampled_from('",\n\r\t\\. aN0'), st.characters(exclude_characters="\0", codec="utf-8")), max_size=8
)
tables = st.lists(st.tuples(values, values, values), max_size=12)
quotings = st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC])
line_ends = st.sampled_from(["\n", "\r\n"])
garbage = st.lists(
    st.sampled_from(
        [
            b'"',
            b",",
            b"\n",
            b"\r\n",
            b"\r",
            b"\\.",
            b"\n\\.\n",
            b"\\",
            b"\\N",
            b"\t",
            b'""',
            b"\0",
            b"\xff",
            b"a",
            b"\xc3\xa9",
            b" ",
            b"1,2,3\n",
        ]
    ),
    max_size=40,
).map(b"".join)
block_sizes = st.integers(1, 64)


def write(table: list[tuple[str, ...]], quoting: Any, line_end: str) -> list[bytes]:
    """Return the records of a table as csv writes them, each with its line end."""
    if any("\r" in value for row in table for value in row):
        # With LF as line end, csv leaves a lone carriage return unquoted.
        quoting = csv.QUOTE_ALL
    records = []
    for row in table:
        text = io.StringIO(newline="")
        csv.writer(text, quoting=quoting, lineterminator=line_end).writerow(row)
        records.append(text.getvalue().encode())
    return records


def read(text: bytes, fields: int, block_bytes: int = 256 * 1024) -> tuple[list[list[str]], list[Rejected]]:
    """Return what a reader sends on, as csv reads it, and what it sets aside."""
    rejected: list[Rejected] = []
    reader = RecordReader(
        io.BytesIO(text), Shape(fields), prefix=b"", first_line=2, on_rejected=rejected.append, block_bytes=block_bytes
    )
    sent = b"".join(iter(reader.read, b""))
    assert reader.failure is None
    parsed = list(csv.reader(io.StringIO(sent.decode(), newline=""), strict=True))
    assert (len(parsed), len(rejected)) == (reader.accepted, reader.rejected)
    return parsed, rejected


@given(tables, quotings, line_ends, block_sizes)
def test_clean_records_are_read_as_csv_reads_them(
    table: list[tuple[str, ...]], quoting: Any, line_end: str, block_bytes: int
) -> None:
    records = write(table, quoting, line_end)
    parsed, rejected = read(b"".join(records), 3, block_bytes)
    lines = [2]
    for record in records:
        lines.append(lines[-1] + record.count(b"\n"))
    assert rejected == []
    assert parsed == [[str(number), str(line), *row] for number, line, row in zip(count(1), lines, table)]


@given(garbage, block_sizes, st.integers(1, 3))
def test_blocks_and_fast_path_change_nothing(text: bytes, block_bytes: int, fields: int) -> None:
    whole = read(text, fields)
    assert read(text, fields, block_bytes) == whole
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FastSplit, "split", lambda self, block: Split([], [], block))
        assert read(text, fields) == whole


@given(garbage, block_sizes, st.integers(1, 3))
def test_every_line_belongs_to_one_record(text: bytes, block_bytes: int, fields: int) -> None:
    parsed, rejected = read(text, fields, block_bytes)
    # Line ends are LF or CRLF, and CRLF inside a quoted field is kept, so lines are counted by LF.
    taken = [(int(row[1]), sum(field.count("\n") for field in row) + 1) for row in parsed]
    taken += [(one.line, one.text.count(b"\n") + 1) for one in rejected]
    line = 2
    for start, lines in sorted(taken):
        assert start == line
        line += lines
    core = text.rstrip(b"\r\n")
    assert line == 2 + (core.count(b"\n") + 1 if core else 0)
    assert sorted(int(row[0]) for row in parsed) == [
        number for number, (start, _) in enumerate(sorted(taken), 1) if start not in {one.line for one in rejected}
    ]


@given(garbage, block_sizes)
def test_no_value_is_changed(text: bytes, block_bytes: int) -> None:
    parsed, rejected = read(text, 2, block_bytes)
    for one in rejected:
        assert one.text in text
    for row in parsed:
        for field in row[2:]:
            assert field.replace('"', '""').encode() in text


per_database = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
orgs = count(1)


def load(connection: Connection, database: Settings, text: bytes) -> tuple[list[tuple[Any, ...]], int]:
    """Load ``text`` below a header as a new org; return its rows in order and the number of quarantined records."""
    org = f"org{next(orgs)}"
    header = ",".join(COLUMNS).encode() + b"\n"
    landed = Landing(database.landing).store("edreflect", org, None, "Goals.csv", io.BytesIO(header + text))

    delivery = Delivery("edreflect", org, date(2026, 3, 2), (landed,))
    (file,) = load_delivery(connection, EDREFLECT, delivery, options=LoadOptions(max_rejected_share=1)).files
    with connection.cursor() as cursor:
        cursor.execute(
            f"select _row, _line, {', '.join(COLUMNS)} from raw_edreflect.goals where _load_id = %s order by _row",
            (file.load_id,),
        )
        found = cursor.fetchall()
        cursor.execute("select count(*) from ops.quarantine where load_id = %s", (file.load_id,))
        assert cursor.fetchone() == (file.quarantined,)
    connection.rollback()
    assert (file.rows, file.profile["rows"]) == (len(found), len(found))
    nulls = {name: sum(row[2 + place] is None for row in found) for place, name in enumerate(COLUMNS)}
    assert file.profile["nulls"] == nulls
    assert file.profile["distinct_keys"] == len({row[2] or "" for row in found})
    return found, file.quarantined


@per_database
@given(table=tables, quoting=quotings, line_end=line_ends)
def test_clean_files_are_in_the_log_as_csv_reads_them(
    connection: Connection, database: Settings, table: list[tuple[str, ...]], quoting: Any, line_end: str
) -> None:
    found, quarantined = load(connection, database, b"".join(write(table, quoting, line_end)))
    assert quarantined == 0
    assert [row[2:] for row in found] == [tuple(value or None for value in row) for row in table]


@per_database
@given(table=tables, quoting=quotings, line_end=line_ends, block_bytes=block_sizes)
def test_copies_of_every_kind_add_up_to_the_file(
    connection: Connection, table: list[tuple[str, ...]], quoting: Any, line_end: str, block_bytes: int
) -> None:
    # With small blocks a file goes from text without quotes to CSV, and from there to CSV with nulls in quotes.
    org, text = f"org\t{next(orgs)}", b"".join(write(table, quoting, line_end))
    reader = RecordReader(
        io.BytesIO(text),
        Shape(3),
        prefix=f"{org},0,".encode(),
        first_line=2,
        on_rejected=lambda rejected: None,
        block_bytes=block_bytes,
    )
    with connection.cursor() as cursor:
        rows = CopyInput(reader).copy_into(cursor, "raw_edreflect", "goals", COLUMNS)
        cursor.execute(f"select {', '.join(COLUMNS)} from raw_edreflect.goals where org_id = %s order by _row", (org,))
        found = cursor.fetchall()
    connection.rollback()
    assert (reader.failure, rows) == (None, len(table))
    assert found == [tuple(value or None for value in row) for row in table]


@per_database
@given(text=garbage)
def test_the_database_takes_whatever_the_reader_lets_through(
    connection: Connection, database: Settings, text: bytes
) -> None:
    parsed, rejected = read(text, 3)
    found, quarantined = load(connection, database, text)
    assert quarantined == len(rejected)
    assert [tuple(str(value or "") for value in row) for row in found] == [tuple(row) for row in parsed]
