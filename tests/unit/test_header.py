"""Headers as they come: matched to the contract's columns, or refused with a cause that repeats no value."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest

from edreflect_assets.contracts import Column, FileContract, load_feeds
from edreflect_assets.loading.failures import FileRefusedError
from edreflect_assets.loading.header import MAX_UNKNOWN_COLUMNS, Header, read_header

GOALS = FileContract(
    feed="edreflect",
    file="Goals.csv",
    table="goals",
    load="upsert",
    key=("goal_id",),
    drop_key=(),
    touched_by=None,
    columns=tuple(Column(name, "text", "", True) for name in ("goal_id", "learner_employee_id", "goal_title")),
    aliases={"employee_id_learner": "learner_employee_id"},
    removed_columns=frozenset({"goal_owner"}),
    dayless=False,
)


def read(header: bytes, contract: FileContract = GOALS) -> Header:
    return read_header(io.BytesIO(header), contract)


def refusal(header: bytes, contract: FileContract = GOALS) -> str:
    with pytest.raises(FileRefusedError) as refused:
        read(header, contract)
    return refused.value.cause


@pytest.mark.parametrize(
    "spelling",
    [
        b"goal_id,learner_employee_id,goal_title\n",
        b"\xef\xbb\xbfgoal_id,learner_employee_id,goal_title\r\n",
        b"GOAL_ID, Learner_Employee_Id ,Goal_Title",
        b'"goal_id","learner_employee_id","goal_title"\n',
        b"Goal ID,employee_id_learner,goal title\n",
        b"goal_ id,EMPLOYEE_ID_LEARNER,goal-title\n",
        b'\xef\xbb\xbf"goal_id\n","learner_employee_id",goal_title\n',
    ],
)
def test_names_match_whatever_their_case_spaces_mark_and_alias(spelling: bytes) -> None:
    header = read(spelling)
    assert header.columns == ("goal_id", "learner_employee_id", "goal_title")
    assert header.missing == header.unknown == header.removed == ()
    assert header.warnings == ()
    assert header.size == len(spelling)


def test_columns_keep_the_order_of_the_file() -> None:
    assert read(b"goal_title,goal_id,learner_employee_id\n").columns == ("goal_title", "goal_id", "learner_employee_id")


def test_first_record_of_a_header_with_a_line_end_in_quotes() -> None:
    stream = io.BytesIO(b'goal_id,"goal\ntitle"\n1,x\n')
    header = read_header(stream, GOALS)
    assert header.columns == ("goal_id", "goal_title")
    assert (header.lines, stream.read()) == (2, b"1,x\n")


def test_missing_columns_are_null_and_said_so() -> None:
    header = read(b"goal_id\n")
    assert header.missing == ("learner_employee_id", "goal_title")
    assert header.warnings == (
        "columns learner_employee_id, goal_title are missing from the header and null in every row",
    )


def test_unknown_columns_get_a_safe_name() -> None:
    header = read('goal_id,Extra Col (2),"quo""te",備考\n'.encode())
    assert header.unknown == ("extra_col_2_", "quo_te", "備考")
    assert "not in the contract" in " ".join(header.warnings)


@pytest.mark.parametrize("name", [b"org_id", b"_load_id", b"_row", b"_line", b"ctid", b"TableOID"])
def test_unknown_columns_never_take_a_name_of_the_platform_or_the_server(name: bytes) -> None:
    assert read(b"goal_id," + name + b"\n").unknown == (f"delivered_{name.decode().lower()}",)


def test_removed_columns_mark_a_legacy_export() -> None:
    header = read(b"goal_id,Goal_Owner\n")
    assert (header.removed, header.unknown) == (("goal_owner",), ())
    assert header.beside_contract == ("goal_owner",)
    assert any(warning.startswith("legacy export: column goal_owner") for warning in header.warnings)


def test_fields_without_a_name_are_counted_at_the_end_only() -> None:
    assert read(b"goal_id,goal_title,, \n").unnamed == 2
    assert "column 2 of the header has no name" in refusal(b"goal_id,,goal_title\n")


@pytest.mark.parametrize(
    ("header", "cause"),
    [
        (b"", "the file is empty (0 bytes)"),
        (b"\n", "the header is blank"),
        (b"\xef\xbb\xbf", "the header is blank"),
        (b",,\n", "the header is blank"),
        (b"goal_title\n", "the header lacks the key column goal_id"),
        (b"Jane,Doe,4711\n", "the header lacks the key column goal_id"),
        (b"goal_id,goal_title,GOAL_TITLE\n", "the header names column goal_title twice"),
        (b"goal_id,employee_id_learner,learner_employee_id\n", "names column learner_employee_id twice"),
        (b"goal_id,extra 1,extra_1\n", "names column extra_1 twice"),
        (b"goal_id\rgoal_title\r1\rx\r", "a lone carriage return"),
        (b"goal_id,\xff\xfe\n", "is not UTF-8"),
        ("goal_id,goal_title\n".encode("utf-16"), "NUL bytes"),
        (b'goal_id,"goal_title\n', "quotes of the header do not pair up"),
        (b"goal_id," + b"x" * 2_000_000, "longer than 1 MiB"),
        (b"goal_id," + b"x" * 64 + b"\n", "the name of column 2 is longer than 63 bytes"),
        (b"goal_id," + b",".join(b"c%d" % n for n in range(MAX_UNKNOWN_COLUMNS + 1)), "201 columns are not in the"),
    ],
)
def test_headers_that_refuse_the_file(header: bytes, cause: str) -> None:
    assert cause in refusal(header)


def test_a_first_line_of_data_is_not_repeated_in_the_refusal() -> None:
    cause = refusal(b"Jane,Doe,4711\n")
    assert not any(value in cause for value in ("Jane", "Doe", "4711"))


def test_a_name_of_63_bytes_is_taken() -> None:
    assert read(b"goal_id," + b"x" * 63 + b"\n").unknown == ("x" * 63,)


def test_every_file_of_the_contracts_accepts_its_own_header() -> None:
    for feed in load_feeds().values():
        for contract in (contract for contract in feed.files.values() if contract.columns):
            names = [*contract.column_names, *sorted(contract.removed_columns)]
            header = read(",".join(names).encode() + b"\n", contract)
            assert header.columns == tuple(names)
            assert header.missing == header.unknown == ()
            assert header.removed == tuple(sorted(contract.removed_columns))


def test_a_removed_name_that_is_an_alias_is_the_contracts_column() -> None:
    contract = replace(GOALS, removed_columns=frozenset({"employee_id_learner"}))
    assert read(b"goal_id,employee_id_learner\n", contract).columns == ("goal_id", "learner_employee_id")
