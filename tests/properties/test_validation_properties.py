"""Whatever the bytes, validation gives a verdict, counts as the loader counts, and tells no value."""

from __future__ import annotations

import csv
import io
import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edreflect_assets.loading.failures import FileRefusedError
from edreflect_assets.loading.header import read_header
from edreflect_assets.loading.reader import RecordReader, Rejected
from edreflect_assets.loading.strict import Shape
from edreflect_assets.roster.report import BY_CODE, BY_ROW, PAGE, write_report
from edreflect_assets.roster.validation import records, validate
from edreflect_assets.roster.verdict import PackageVerdict
from tests.unit.roster.rosters import FEED, Roster

FILES = sorted(FEED.files)
GOOD = {file: Roster().as_1_2().text(file) for file in Roster().as_1_2().tables} | {
    "users.csv": Roster().text("users.csv")
}
# What a record may hold that readers stumble over.
TOKENS = [
    b"\n", b"\r\n", b"\r", b'"', b'""', b",", b",,,,", b"\0", b"\xff", b"\xc4", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\\.",
    b'"a\nb"', b"u1", b"d1", b"s1", b"tobedeleted", b"active", b"inactive", b"2026-03-01T00:00:00Z", b"2026-13-01",
    b"0000-01-01", b"2026-02-30", b"TRUE", b"maybe", b"bulk", b"delta", b"absent", b"1.2", b"t1,, t2", b" ", b"=1+1",
    "\u0130\u017f\u2028\x85".encode(), b"x" * 300, b"sourcedId", b"status,dateLastModified", b"{a:b}",
]  # fmt: skip


@st.composite
def spoiled(draw: st.DrawFn, file: str) -> bytes:
    """A good file with some bytes replaced."""
    text = GOOD[file]
    for _ in range(draw(st.integers(0, 6))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.sampled_from([0, 0, 1, 2, 5, 30])))
        text = text[:start] + draw(st.sampled_from(TOKENS) | st.binary(max_size=4)) + text[end:]
    return text


@st.composite
def packages(draw: st.DrawFn) -> dict[str, bytes]:
    files = draw(st.sets(st.sampled_from(FILES), max_size=len(FILES)))
    return {file: draw(st.binary(max_size=200) if draw(st.integers(0, 19)) == 0 else spoiled(file)) for file in files}


def judged(files: dict[str, bytes], folder: Path) -> PackageVerdict:
    for file, text in files.items():
        (folder / file).write_bytes(text)
    return validate(FEED, {file: folder / file for file in files})


def read_by_the_loader(file: str, text: bytes) -> tuple[int, dict[int, int]]:
    """Return the number of records, and the lines of those that the loader itself sets aside."""
    stream = io.BytesIO(text)
    header = read_header(stream, FEED.files[file])
    rejected: list[Rejected] = []
    shape = Shape(len(header.columns), header.unnamed)
    reader = RecordReader(stream, shape, prefix=b"", first_line=header.lines + 1, on_rejected=rejected.append)
    while reader.read():
        pass
    if reader.failure:
        raise reader.failure
    return reader.records, {record.record: record.line for record in rejected}


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(packages())
def test_any_bytes_get_a_verdict_that_counts_as_the_loader_counts(files: dict[str, bytes]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        verdict = judged(files, Path(folder))
        json.dumps(verdict.as_json())
        write_report(Path(folder) / "report", verdict, "A package")
        refused = {finding.file for finding in verdict.refusals}
        assert set(verdict.files) | refused >= set(files)
        for file, judged_file in verdict.files.items():
            number, unreadable = read_by_the_loader(file, files[file])
            assert judged_file.records == number
            assert {n: judged_file.rejected[n].line for n in unreadable} == unreadable
            assert all(1 <= n <= number for n in judged_file.rejected)
            assert len(set(judged_file.rejected)) == len(judged_file.rejected)
            lines = {
                finding.line for finding in verdict.findings() if (finding.file, finding.severity) == (file, "row")
            }
            assert lines == {rejection.line for rejection in judged_file.rejected.values()}
        for file in set(files) - set(verdict.files):
            # Nothing of it is loaded; that the loader would refuse it, too, is not asked for.
            assert file in refused


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_the_file_the_loader_refuses_refuses_the_package(data: st.DataObject) -> None:
    file = data.draw(st.sampled_from(sorted(GOOD)))
    text = data.draw(spoiled(file))
    with tempfile.TemporaryDirectory() as folder:
        verdict = judged({file: text}, Path(folder))
    try:
        read_by_the_loader(file, text)
    except FileRefusedError:
        assert file in {finding.file for finding in verdict.refusals}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(packages(), st.integers(1, 300))
def test_a_file_read_in_pieces_is_judged_as_one_read_at_once(files: dict[str, bytes], size: int) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        at_once = judged(files, Path(folder))
        patch.setattr(records, "BLOCK_BYTES", size)
        patch.setattr(records, "CHUNK_BYTES", 1)
        in_pieces = judged(files, Path(folder))
    assert in_pieces.as_json() == at_once.as_json()
    assert list(in_pieces.findings()) == list(at_once.findings())
    assert {file: dict(verdict.rejected) for file, verdict in in_pieces.files.items()} == {
        file: dict(verdict.rejected) for file, verdict in at_once.files.items()
    }


SECRET = "Quetzalcoatl"


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_no_value_of_a_record_reaches_a_finding_or_a_report(data: st.DataObject) -> None:
    files = {}
    for file, text in GOOD.items():
        header, *rows = list(csv.reader(io.StringIO(text.decode())))
        for row in rows:
            for place in range(len(row)):
                if data.draw(st.integers(0, 3)) == 0:
                    row[place] = data.draw(
                        st.sampled_from(
                            [SECRET, f"{SECRET},{SECRET}", f"{SECRET} x", f"2026-{SECRET}", f"{{{SECRET}}}"]
                        )
                    )
        if data.draw(st.integers(0, 9)) == 0:
            # The first record where the header should be.
            header = [SECRET] * len(header)
        lines = [",".join(f'"{field}"' if "," in field else field for field in row) for row in [header, *rows]]
        if data.draw(st.integers(0, 3)) == 0:
            lines.append(f'{SECRET},{SECRET}"')
        files[file] = "\n".join(lines).encode()
    with tempfile.TemporaryDirectory() as folder:
        verdict = judged(files, Path(folder))
        write_report(Path(folder) / "report", verdict, "A package")
        texts = [(Path(folder) / "report" / name).read_text() for name in (BY_CODE, BY_ROW, PAGE)]
    texts += [json.dumps(verdict.as_json()), *(str(finding) for finding in verdict.findings()), repr(verdict.refusals)]
    for file in verdict.files.values():
        texts += [rejection.reason for rejection in file.rejected.values()]
    assert not [text for text in texts if SECRET.lower() in text.lower()]
