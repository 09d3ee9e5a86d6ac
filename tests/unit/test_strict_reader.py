"""Where records start and end, and why one is set aside; block by block as if the file came in one piece."""

from __future__ import annotations

import io

import pytest

from edreflect_assets.loading import reader as reader_module
from edreflect_assets.loading import strict
from edreflect_assets.loading.failures import FileRefusedError
from edreflect_assets.loading.reader import RecordReader, Rejected
from edreflect_assets.loading.strict import Shape, StrictScan

TWO_FIELDS = Shape(2)


def scan(text: bytes, fields: int = 2, *, at_end: bool = True) -> list[tuple[int, str | None, bytes]]:
    scanner = StrictScan(text, Shape(fields), line=2, at_end=at_end)
    return [(scanner.line, scanned.reason, scanned.text) for scanned in scanner]


def read(text: bytes, shape: Shape = TWO_FIELDS, block_bytes: int = 256 * 1024) -> tuple[bytes, list[Rejected]]:
    rejected: list[Rejected] = []
    reader = RecordReader(
        io.BytesIO(text), shape, prefix=b"", first_line=2, on_rejected=rejected.append, block_bytes=block_bytes
    )
    sent = b"".join(iter(reader.read, b""))
    if reader.failure:
        raise reader.failure
    return sent, rejected


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"1", "wrong number of fields: 1 instead of 2"),
        (b"1,2,3", "wrong number of fields: 3 instead of 2"),
        (b'1,"2,3",4', "wrong number of fields: 3 instead of 2"),
        (b"", "blank line"),
        (b"\\.", "end-of-data marker"),
        (b"1,\0", "NUL byte"),
        (b"1,\xe9", "not UTF-8"),
        (b"1,\xed\xa0\x80", "not UTF-8"),
        (b"1,a\rb", "lone carriage return"),
        (b"\r,1", "lone carriage return"),
        (b'1,a"b', "stray quote"),
        (b'1,a"b"c', "stray quote"),
        (b'1,"a"b', "stray quote"),
        (b'1,"a" ', "stray quote"),
        (b'1, "a"', "stray quote"),
        (b'1,"', "unclosed quote"),
        (b'1,"""', "unclosed quote"),
    ],
)
def test_a_bad_line_between_good_ones_is_the_only_one_set_aside(line: bytes, reason: str) -> None:
    assert scan(b"a,b\n" + line + b"\nc,d\n") == [(2, None, b"a,b"), (3, reason, line), (4, None, b"c,d")]


@pytest.mark.parametrize(
    "record", [b'1,"a,b"', b'1,"a ""b"" c"', b'"",""', b'1,""""', b'"a\rb\r\nc\nd",2', b",", b" , "]
)
def test_quoted_fields_hold_anything(record: bytes) -> None:
    lines = record.count(b"\n") + 1
    assert scan(b"a,b\n" + record + b"\r\nc,d\n") == [(2, None, b"a,b"), (3, None, record), (3 + lines, None, b"c,d")]


def test_an_unclosed_quote_swallows_no_line_after_it() -> None:
    text = b'1,"open\n2,b\n3,"c"\n4,d\n'
    assert [(line, reason) for line, reason, _ in scan(text)] == [
        (2, "unclosed quote"),
        (3, None),
        (4, None),
        (5, None),
    ]


def test_two_stray_quotes_swallow_no_line_between_them() -> None:
    text = b'1,5" pipe\n' + b"2,b\n" * 200 + b'3,6" pipe\n'
    found = scan(text)
    assert [line for line, reason, _ in found if reason] == [2, 203]
    assert len(found) == 202


def test_a_quote_left_open_by_a_block_waits_for_the_next() -> None:
    scanner = StrictScan(b'1,2\n3,"four\n', Shape(2), line=2, at_end=False)
    assert [scanned.text for scanned in scanner] == [b"1,2"]
    assert (scanner.line, scanner.position) == (3, 4)


def test_a_record_without_end_is_given_up_at_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strict, "MAX_RECORD_BYTES", 1000)
    found = scan(b'1,"open\n' + b"2,b\n" * 1000, at_end=False)
    assert found[0][:2] == (2, "unclosed quote")
    assert len(found) == 1001


def test_a_blank_line_is_a_null_in_a_file_of_one_column() -> None:
    assert read(b"a\n\nb\n\n\n", Shape(1)) == (b"1,2,a\n2,3,\n3,4,b\n", [])


def test_the_end_marker_is_set_aside_in_a_file_of_one_column_too() -> None:
    sent, rejected = read(b"a\n\\.\nb\n", Shape(1))
    assert sent == b"1,2,a\n3,4,b\n"
    assert rejected == [Rejected(3, "end-of-data marker", b"\\.", 2)]


def test_the_end_marker_inside_quotes_is_text() -> None:
    assert read(b'1,"a\n\\.\nb"\n') == (b'1,2,1,"a\n\\.\nb"\n', [])


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n", b"\n\n\n", b"\r\n\r\n", b"\r"])
@pytest.mark.parametrize("block_bytes", [1, 2, 3, 5, 1000])
def test_the_end_of_the_file_needs_no_line_end_and_may_have_many(end: bytes, block_bytes: int) -> None:
    assert read(b"1,2\n3,4" + end, block_bytes=block_bytes) == (b"1,2,1,2\n2,3,3,4\n", [])


def test_line_ends_may_be_mixed() -> None:
    assert read(b"1,2\r\n3,4\n5,6\r\n") == (b"1,2,1,2\n2,3,3,4\n3,4,5,6\n", [])


@pytest.mark.parametrize("block_bytes", [1, 7, 64, 1000])
def test_lines_and_numbers_count_what_was_set_aside(block_bytes: int) -> None:
    text = b'1,"a\nb"\nragged\n\n4,"c ""d"""\n5,x"y\n6,f\n'
    sent, rejected = read(text, block_bytes=block_bytes)
    assert sent == b'1,2,1,"a\nb"\n4,6,4,"c ""d"""\n6,8,6,f\n'
    assert [(one.line, one.reason, one.text) for one in rejected] == [
        (4, "wrong number of fields: 1 instead of 2", b"ragged"),
        (5, "blank line", b""),
        (7, "stray quote", b'5,x"y'),
    ]


@pytest.mark.parametrize("block_bytes", [4, 1000])
def test_fields_without_a_name_must_be_empty(block_bytes: int) -> None:
    shape = Shape(2, unnamed=2)
    assert read(b'1,2,,\n"3,","4,,",,\n5,6,,""\n', shape, block_bytes)[0] == b'1,2,1,2\n2,3,"3,","4,,"\n3,4,5,6\n'
    with pytest.raises(FileRefusedError) as refused:
        read(b"1,2,,\n3,4,,secret\n", shape, block_bytes)
    assert "line 3: a column without a name in the header holds a value" in refused.value.cause
    assert "secret" not in refused.value.cause


def test_a_line_beyond_the_limit_refuses_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader_module, "MAX_RECORD_BYTES", 1000)
    with pytest.raises(FileRefusedError, match="line 4 is longer than"):
        read(b'1,2\n3,"\n' + b"x" * 5000, block_bytes=100)


def test_a_prefix_is_taken_literally() -> None:
    reader = RecordReader(
        io.BytesIO(b"1,2\n"), Shape(2), prefix=b"100%d,", first_line=2, on_rejected=lambda rejected: None
    )
    assert reader.read() == b"100%d,1,2,1,2\n"


def test_records_are_numbered_over_every_thousand() -> None:
    for block_bytes in (5_000, 256 * 1024):
        sent, _ = read(b"1,2\n" * 63_456, block_bytes=block_bytes)
        assert sent == b"".join([b"%d,%d,1,2\n" % (number, number + 1) for number in range(1, 63_457)])


@pytest.mark.parametrize("quoted_every", [1, 2, 5, 50])
@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"])
def test_lines_are_right_however_many_records_are_quoted(quoted_every: int, line_end: bytes) -> None:
    records = [b'%d,"a\n""b"",\n"' % n if n % quoted_every == 0 else b"%d,c" % n for n in range(200)]
    starts = [2]
    for record in records:
        starts.append(starts[-1] + record.count(b"\n") + 1)
    sent, rejected = read(line_end.join([*records, b""]), block_bytes=700)
    assert rejected == []
    expected = [
        b"%d,%d,%b\n" % (n + 1, start, record) for n, (start, record) in enumerate(zip(starts, records, strict=False))
    ]
    assert sent == b"".join(expected)
