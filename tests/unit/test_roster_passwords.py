"""Password columns are taken out of files as their bytes pass; nothing of a password is left, everything else is."""

from __future__ import annotations

import csv
import io
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edreflect_assets.contracts import load_feeds
from edreflect_assets.roster.passwords import is_password_column, without_passwords
from edreflect_assets.roster.refused import PackageRefused

USERS = load_feeds()["oneroster"].files["users.csv"]
MARK = b"MARK"


def kept(content: bytes, chunk: int = 64 * 1024) -> bytes:
    """Return what is left of a users.csv, read in small pieces."""
    stream, parts = without_passwords(io.BytesIO(content), USERS), []
    while part := stream.read(chunk):
        parts.append(part)
    return b"".join(parts)


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "Password",
        " PASSWORD ",
        "pass word",
        "user_password",
        "metadata.password",
        "metadata.Pass-Word",
        "passwd",
        "pwd",
        "userPwd",
        "passwordHash",
        "initial password",
        "pass",
        "metadata.pw",
        "passcode",
        "\ufeffpassword",
        "pass\u200bword",
        "\uff50\uff41\uff53\uff53\uff57\uff4f\uff52\uff44",
        "Contraseña",
        "mot de passe",
    ],
)
def test_a_name_that_means_a_password_is_known(name: str) -> None:
    assert is_password_column(name)


@pytest.mark.parametrize("feed", load_feeds().values(), ids=lambda feed: feed.name)
def test_no_documented_column_is_taken_for_a_password(feed: object) -> None:
    names = [
        name
        for contract in feed.files.values()  # type: ignore[attr-defined]
        for column in contract.columns
        for name in (column.name, column.header or "")
    ]
    assert not [name for name in names if is_password_column(name)]
    assert not [name for name in ("metadata.passport", "bypass", "compass", "passFail") if is_password_column(name)]


def test_a_file_without_a_password_column_passes_unchanged() -> None:
    content = b'\xef\xbb\xbfsourcedId,"givenName"\r\nu1,"a\r\nb"\r\nragged\r\n\xff"\x00'
    assert kept(content, 3) == content
    assert kept(b"") == b""


def test_good_records_lose_their_password_and_nothing_else() -> None:
    content = (
        b'\xef\xbb\xbfsourcedId,"Password",givenName, PWD\r\n'
        b"u1,MARK,Ann,MARK\r\n"
        b'u2,"MA,RK","A ""b"", c",MARK\r\n'
        b'u3,"MARK\r\nMARK","a\nb",\r\n'
        b"u4,,\xff,MARK"
    )
    assert kept(content, 5) == (b'\xef\xbb\xbfsourcedId,givenName\nu1,Ann\nu2,"A ""b"", c"\nu3,"a\nb"\nu4,\xff\n')


HEADER = b"sourcedId,username,givenName,password,grades\n"


@pytest.mark.parametrize(
    ("line", "left"),
    [
        (b"u1,ann,A,MARK", b"u1\n"),
        (b"u1,ann,A,b,MARK,3", b"u1\n"),
        (b'"u1",ann,A,b,MARK,3', b'"u1"\n'),
        (b'u1,an"n,A,MARK,3', b"u1\n"),
        (b'u1,"ann,A,MARK,3', b"u1\n"),
        (b'"u1,ann,A,MARK,3', b",\n"),
        (b"u1,ann,A\r,MARK,3", b"u1\n"),
        (b"u1,a\0n,A,MARK,3", b"u1\n"),
        (b"\xff1,ann,MARK", b",\n"),
        (b'u1,ann,"A\nb",c,d,MARK', b'u1,"\n"\n'),
        (b"u1,ann,A,MA\nRK,3", b"u1\n,\n"),
        (b'u1,a"nn,A,"MARK\nMARK,MARK",3', b"u1\n,\n"),
        (b'u1,ann,A,MARK,"\nu2,bob,B,MARK,"', b'u1,"\n"\n'),
        (b'u1,"ann,A,MARK,3\nu2","B,b",MARK,3', b'u1,"\n"\n'),
        (b"", b"\n"),
    ],
)
def test_of_a_malformed_record_only_the_key_is_left(line: bytes, left: bytes) -> None:
    good = b"u9,zoe,Z,MARK,4\n"
    assert kept(HEADER + line + b"\n" + good) == b"sourcedId,username,givenName,grades\n" + left + b"u9,zoe,Z,4\n"


def test_malformed_records_stay_malformed_however_few_columns_are_left() -> None:
    assert kept(b"sourcedId,role,password\nu1,MARK,x,y\n") == b"sourcedId,role\nu1\n"
    assert kept(b"password,sourcedId,pwd,role,pass\nMARK,u1\nMARK,u2,MARK,r,MARK\n") == b"sourcedId,role\n,,\nu2,r\n"
    assert kept(b"role,sourcedId,password\nr,u1,MARK,x\n") == b"role,sourcedId\n,,\n"


def test_rows_that_all_lack_their_last_fields_keep_their_keys() -> None:
    lines = b"".join(b"u%d,ann,A,MARK\n" % number for number in range(50))
    assert kept(HEADER + lines).split(b"\n")[1:-1] == [b"u%d" % number for number in range(50)]


@pytest.mark.parametrize(
    ("content", "code", "said"),
    [
        ("sourcedId,givenName,password\nu1,Ann,MARK\n".encode("utf-16"), "OR100", "UTF-16"),
        ("sourcedId,givenName,password\nu1,Ann,MARK\n".encode("utf-16-le"), "OR100", "UTF-16"),
        ("sourcedId,givenName,password,métadata\n".encode("latin-1"), "OR100", "Windows-1252"),
        (b"sourcedId,\0givenName,password\nu1,Ann,MARK\n", "OR100", "UTF-8"),
        (b"sourcedId,givenName,password\ru1,Ann,MARK\r", "OR102", "carriage return"),
        (b'sourcedId,givenName,"password\nu1,Ann,MARK"\n', "OR102", "quotes"),
        (b'sourcedId,"given"Name,password\nu1,Ann,MARK\n', "OR102", "quotes"),
        (b"u1,true,s1,student,ann,Ann,MARK\n", "OR103", "columns of this file"),
        (b"sourcedId;givenName;password\nu1;Ann;MARK\n", "OR103", "columns of this file"),
        (b"\nsourcedId,givenName,password\n", "OR103", "columns of this file"),
        (b"sourcedId,givenName," + b"x" * 2_000_000, "OR102", "1 MiB"),
    ],
)
def test_a_header_that_cannot_be_read_gives_nothing(content: bytes, code: str, said: str) -> None:
    with pytest.raises(PackageRefused, match=said) as caught:
        kept(content)
    assert (caught.value.code, caught.value.file) == (code, "users.csv")
    assert "MARK" not in str(caught.value)


def test_a_line_without_end_is_no_record() -> None:
    with pytest.raises(PackageRefused, match="16 MiB"):
        kept(HEADER + b"x" * (17 * 1024 * 1024))


# Without a line end and a comma in one field: that could be another line, password and all.
TEXT = st.one_of(*(st.text(st.sampled_from(list(characters)), max_size=6) for characters in ('aü ,";x', 'aü "\n;x')))


@settings(max_examples=150, deadline=None)
@given(
    rows=st.lists(st.tuples(TEXT, TEXT, TEXT), max_size=30),
    place=st.integers(1, 3),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    ends=st.sampled_from(["\n", "\r\n"]),
)
def test_any_well_formed_file_is_what_it_was_without_the_column(
    rows: list[tuple[str, str, str]], place: int, quoting: int, ends: str
) -> None:
    def text(header: list[str], records: list[list[str]]) -> bytes:
        buffer = io.StringIO(newline="")
        writer = csv.writer(buffer, quoting=quoting, lineterminator=ends)  # type: ignore[arg-type]
        writer.writerows([header, *records])
        return buffer.getvalue().encode()

    header = ["sourcedId", "username", "givenName"]
    with_password = [*header[:place], "password", *header[place:]]
    delivered = [[*row[:place], "MA,R\nK", *row[place:]] for row in map(list, rows)]
    found = list(csv.reader(io.StringIO(kept(text(with_password, delivered), 7).decode(), newline="")))
    assert found == [header, *map(list, rows)]


@settings(max_examples=300, deadline=None)
@given(seed=st.integers(0, 10**9), damage=st.integers(0, 12))
def test_no_byte_of_a_password_is_left_whatever_is_broken(seed: int, damage: int) -> None:
    """Passwords hold commas and line ends only where they are quoted; damage is done to everything around them."""
    chance = random.Random(seed)
    lines = []
    for number in range(chance.randint(1, 25)):
        secret = chance.choice(["MARK", '"MARK"', '"MA,RK"', '"MARK\nMARK"', '"MA""RK"', "MARKü"])
        fields = [f"u{number}", chance.choice(["ann", '"ann"', '"a,n"', '"a\nn"']), "A", secret, "3"]
        lines.append(",".join(fields))
    # One damage per line, before or after the password: two could move it into another column of a good record.
    for place in chance.sample(range(len(lines)), min(damage, len(lines))):
        before, secret, after = _around(lines[place])
        if chance.random() < 0.6:
            cut = chance.randint(0, len(before))
            before = before[:cut] + chance.choice(['"', ",", "x", ",,", '""', "\r", "\0"]) + before[cut:]
        else:
            after = chance.choice(["", ",", after + ",x", after + '"', ',"', ',"\n'])
        lines[place] = before + secret + after
    content = HEADER + "\n".join(lines).encode() + b"\n"
    left = kept(content, chance.choice([1, 13, 4096]))
    broken = [line for line in left.split(b"\n") if b"MA" in line or b"RK" in line]
    assert broken == []


def _around(line: str) -> tuple[str, str, str]:
    start = line.index("MA")
    start -= line[start - 1] == '"'
    end = line.rindex("RK") + 2
    while end < len(line) and line[end] in '"ü':
        end += 1
    return line[:start], line[start:end], line[end:]
