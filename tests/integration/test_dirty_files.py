"""Files as they should not be: exactly these lines are set aside, and exactly the other records are in the log."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from landed_deliveries import EDREFLECT, deliver, rows
from psycopg2.extensions import connection as Connection  # noqa: N812

from edreflect_assets.errors import Refused
from edreflect_assets.loading.load import LoadOptions, load_delivery
from edreflect_assets.settings import Settings

SHORT = "wrong number of fields: 1 instead of 2"
LONG = "wrong number of fields: 3 instead of 2"


@dataclass(frozen=True)
class Dirty:
    """A file of ``goal_id,goal_title``: its text after the header, the rows it gives, what is set aside at which line.

    ``rows`` are (line, goal_id, goal_title).
    """

    text: bytes
    rows: tuple[tuple[int, str | None, str | None], ...]
    quarantined: tuple[tuple[int, str, str], ...] = ()
    header: bytes = b"goal_id,goal_title\n"


DIRTY = {
    "ragged_short": Dirty(b"1,a\n2\n3,c\n", ((2, "1", "a"), (4, "3", "c")), ((3, SHORT, "2"),)),
    "ragged_long": Dirty(b"1,a\n2,b,x\n3,c\n", ((2, "1", "a"), (4, "3", "c")), ((3, LONG, "2,b,x"),)),
    "long_and_short_in_turn": Dirty(b"1,a,x\n2\n3,c\n", ((4, "3", "c"),), ((2, LONG, "1,a,x"), (3, SHORT, "2"))),
    "ragged_over_two_lines": Dirty(b'1,"a\nb",x\n3,c\n', ((4, "3", "c"),), ((2, LONG, '1,"a\nb",x'),)),
    "latin_1": Dirty(b"1,caf\xe9\n2,b\n", ((3, "2", "b"),), ((2, "not UTF-8", "1,caf\ufffd"),)),
    "surrogates": Dirty(b"1,\xed\xa0\x80\n2,b\n", ((3, "2", "b"),), ((2, "not UTF-8", "1,\ufffd\ufffd\ufffd"),)),
    "nul": Dirty(b"1,a\0b\n2,b\n", ((3, "2", "b"),), ((2, "NUL byte", "1,a\ufffdb"),)),
    "end_marker": Dirty(b"1,a\n\\.\n3,c\n", ((2, "1", "a"), (4, "3", "c")), ((3, "end-of-data marker", "\\."),)),
    "end_marker_crlf": Dirty(b"1,a\r\n\\.\r\n", ((2, "1", "a"),), ((3, "end-of-data marker", "\\."),)),
    "end_marker_in_quotes": Dirty(b'1,"a\n\\.\nb"\n2,c\n', ((2, "1", "a\n\\.\nb"), (5, "2", "c"))),
    "end_marker_as_value": Dirty(b"\\.,\\.\n", ((2, "\\.", "\\."),)),
    "stray_quote": Dirty(b'1,5" pipe\n2,b\n', ((3, "2", "b"),), ((2, "stray quote", '1,5" pipe'),)),
    "two_stray_quotes": Dirty(
        b'1,5" a\n2,b\n3,6" c\n4,d\n',
        ((3, "2", "b"), (5, "4", "d")),
        ((2, "stray quote", '1,5" a'), (4, "stray quote", '3,6" c')),
    ),
    "text_after_quotes": Dirty(b'1,"a"b\n2,b\n', ((3, "2", "b"),), ((2, "stray quote", '1,"a"b'),)),
    "space_before_quotes": Dirty(b'1, "a"\n2,b\n', ((3, "2", "b"),), ((2, "stray quote", '1, "a"'),)),
    "unclosed_quote": Dirty(b'1,"a\n2,b\n3,"c"\n', ((3, "2", "b"), (4, "3", "c")), ((2, "unclosed quote", '1,"a'),)),
    "unclosed_quote_at_the_end": Dirty(b'1,a\n2,"b\n', ((2, "1", "a"),), ((3, "unclosed quote", '2,"b'),)),
    "unclosed_quote_then_quotes": Dirty(
        b'1,"a\n2,"b"\n3,"c,""d"""\n', ((3, "2", "b"), (4, "3", 'c,"d"')), ((2, "unclosed quote", '1,"a'),)
    ),
    "blank_line": Dirty(b"1,a\n\n3,c\n", ((2, "1", "a"), (4, "3", "c")), ((3, "blank line", ""),)),
    "blank_lines_at_the_end": Dirty(b"1,a\n\n\r\n\n", ((2, "1", "a"),)),
    "lone_carriage_return": Dirty(b"1,a\rb\n2,b\n", ((3, "2", "b"),), ((2, "lone carriage return", "1,a\rb"),)),
    "carriage_return_in_quotes": Dirty(b'1,"a\rb"\n', ((2, "1", "a\rb"),)),
    "mark_and_crlf": Dirty(
        b'1,a\r\n2,"b\r\nc"\r\n3,d',
        ((2, "1", "a"), (3, "2", "b\r\nc"), (5, "3", "d")),
        (),
        b"\xef\xbb\xbfgoal_id,goal_title\r\n",
    ),
    "line_ends_mixed": Dirty(b"1,a\r\n2,b\n3,c\r\n", ((2, "1", "a"), (3, "2", "b"), (4, "3", "c"))),
    "no_line_end_at_the_end": Dirty(b"1,a\n2,b", ((2, "1", "a"), (3, "2", "b"))),
    "empty_in_quotes": Dirty(b'1,""\n"",""\n2,""""\n', ((2, "1", None), (3, None, None), (4, "2", '"'))),
    "words_for_null": Dirty(b"NULL,\\N\n null , \n", ((2, "NULL", "\\N"), (3, " null ", " "))),
    "lines_after_records_over_lines": Dirty(
        b'1,"a\n\nb"\nbad\n2,"c\nd"\nbad\n',
        ((2, "1", "a\n\nb"), (6, "2", "c\nd")),
        ((5, SHORT, "bad"), (8, SHORT, "bad")),
    ),
    "header_over_two_lines": Dirty(b"1,a\nbad\n", ((3, "1", "a"),), ((4, SHORT, "bad"),), b'goal_id,"goal\ntitle"\n'),
    "columns_without_a_name": Dirty(
        b'1,a,,\n2,"b,",,""\n3,c\n',
        ((2, "1", "a"), (3, "2", "b,")),
        ((4, "wrong number of fields: 2 instead of 4", "3,c"),),
        b"goal_id,goal_title,,\n",
    ),
}


def test_exactly_the_bad_lines_are_set_aside(connection: Connection, database: Settings) -> None:
    found = {}
    for name, dirty in DIRTY.items():
        delivery = deliver(database, {"Goals.csv": dirty.header + dirty.text}, org_id=name)
        (file,) = load_delivery(connection, EDREFLECT, delivery, options=LoadOptions(max_rejected_share=1)).files
        loaded = rows(
            connection,
            "select _line, goal_id, goal_title from raw_edreflect.goals where org_id = %s order by _row",
            name,
        )
        quarantined = rows(
            connection,
            "select line, reason, raw_line from ops.quarantine where load_id = %s order by line",
            file.load_id,
        )
        assert (file.rows, file.quarantined) == (len(loaded), len(quarantined))
        found[name] = (tuple(loaded), tuple(quarantined))
    assert found == {name: (dirty.rows, dirty.quarantined) for name, dirty in DIRTY.items()}


def test_a_bad_line_far_into_a_file_costs_only_itself(connection: Connection, database: Settings) -> None:
    lines = [b'%d,"title, %d"\n' % (n, n) if n % 3 else b"%d,title\n" % n for n in range(60_000)]
    for number in (0, 20_000, 40_000, 59_999):
        lines[number] = b'bad "quote\n'
    delivery = deliver(database, {"Goals.csv": b"goal_id,goal_title\n" + b"".join(lines)})
    (file,) = load_delivery(connection, EDREFLECT, delivery).files
    assert (file.rows, file.quarantined, file.profile["distinct_keys"]) == (59_996, 4, 59_996)
    assert rows(connection, "select line from ops.quarantine order by line") == [(2,), (20_002,), (40_002,), (60_001,)]
    wrong = "select count(*) from raw_edreflect.goals where _line <> goal_id::int + 2 or _row <> goal_id::int + 1"
    assert rows(connection, wrong) == [(0,)]


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        (b"", r"the file is empty \(0 bytes\)"),
        (b"\xef\xbb\xbf", "the header is blank"),
        (b"goal_title\na\n", "lacks the key column goal_id"),
        (b"goal_id,Goal_Id\n1,2\n", "names column goal_id twice"),
        (b"goal_id\rgoal_title\r1\ra\r", "lone carriage return"),
        ("goal_id,goal_title\n1,a\n".encode("utf-16"), "NUL bytes|not UTF-8"),
        (b"goal_id,goal_title,\n1,a,\n2,b,x\n", "line 3: a column without a name in the header holds a value"),
        (b"goal_id\n1\n" + b"x" * 40_000_000, "line 3 is longer than 16 MiB"),
        (b'goal_id\n1\n2,"\n' + b"x" * 40_000_000, "line 4 is longer than 16 MiB"),
        (b"goal_id,goal_title\nragged\n", "1 of 1 records cannot be read"),
    ],
)
def test_files_that_are_refused(connection: Connection, database: Settings, text: bytes, cause: str) -> None:
    with pytest.raises(Refused, match=f"^edreflect of springfield, 2026-03-02 refused: Goals.csv: .*({cause})"):
        load_delivery(connection, EDREFLECT, deliver(database, {"Goals.csv": text}))
    assert rows(connection, "select count(*) from raw_edreflect.goals") == [(0,)]
    assert rows(connection, "select file, status, rows from ops.load_log") == [("Goals.csv", "refused", 0)]
