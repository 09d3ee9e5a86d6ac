"""Roster packages from a folder and over SFTP: what a zip may be, what is left aside, and no password anywhere."""

from __future__ import annotations

import io
import logging
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from landed_deliveries import rows
from marks import MARK, marked_files, marks_in
from psycopg2 import sql
from psycopg2.extensions import connection as Connection  # noqa: N812
from roster_packages import DAY, FILES, NEXT_DAY, ORG, PASSWORD, ROSTER, deliver, org, package, with_link, zipped

from edreflect_assets.errors import FetchError, Refused, UsageError
from edreflect_assets.ingest import ingest, load_again
from edreflect_assets.landing import Delivery, Landing
from edreflect_assets.orgs import Org, default_org_uuid
from edreflect_assets.roster import zipped as zipped_module
from edreflect_assets.roster.package import open_package
from edreflect_assets.roster.refused import PackageRefused
from edreflect_assets.settings import Settings
from edreflect_assets.sftp_server import SftpServer, SftpUser
from edreflect_assets.sources import delivery_folder
from edreflect_assets.sources.folder import FolderSource
from edreflect_assets.sources.sftp import SftpSource

pytestmark = pytest.mark.filterwarnings("ignore:Warning. bcrypt.kdf:UserWarning")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "served").mkdir()
    return tmp_path / "served"


@pytest.fixture
def landing(tmp_path: Path) -> Landing:
    return Landing(tmp_path / "landing")


@pytest.fixture
def over_sftp(root: Path) -> Iterator[Callable[[Landing], Delivery]]:
    """A function that fetches the day's package from a real server."""
    with SftpServer({"spring": SftpUser(root, "login-secret")}) as server:
        served = Org(
            ORG,
            default_org_uuid(ORG, ORG),
            ORG,
            host=server.host,
            port=server.port,
            user="spring",
            password_env="SPRING",
            host_key=(server.host_key,),
            stable_seconds=0,
        )

        def fetch(landing: Landing) -> Delivery:
            with SftpSource(served, environ={"SPRING": "login-secret"}) as source:
                return source.fetch(ROSTER, ORG, DAY, landing)

        yield fetch


def landed(delivery: Delivery) -> dict[str, tuple[str, int, bytes]]:
    return {file.file: (file.sha256, file.bytes, file.path.read_bytes()) for file in delivery.files}


def fetched(root: Path, landing: Landing) -> Delivery:
    return FolderSource(root).fetch(ROSTER, ORG, DAY, landing)


OTHERS = {"demographics.csv": b"sourcedId,birthDate\nu1,2015-01-01\n", "readme.txt": b"hello", "lineItems.csv": b"x"}


def test_loose_files_and_a_zip_land_alike_from_a_folder_and_over_sftp(
    root: Path, tmp_path: Path, over_sftp: Callable[[Landing], Delivery]
) -> None:
    found = []
    for name, files in {
        "loose": {**package(), **OTHERS},
        "zip": {"roster.zip": zipped({**package(), **OTHERS})},
    }.items():
        deliver(root, files)
        found.append(fetched(root, Landing(tmp_path / name)))
        found.append(over_sftp(Landing(tmp_path / f"{name}-sftp")))
    assert [landed(delivery) for delivery in found] == [landed(found[0])] * 4
    assert set(landed(found[0])) == set(FILES)
    for delivery in found:
        assert {(left.file, left.bytes) for left in delivery.left_out} == {
            (name, len(content)) for name, content in OTHERS.items()
        }
    names = {path.name for path in tmp_path.rglob("*") if "served" not in path.parts}
    assert not names & {*OTHERS, "roster.zip"}


def test_what_landed_is_verified_and_the_delivered_bytes_are_known(root: Path, landing: Landing) -> None:
    deliver(root, package())
    delivery = fetched(root, landing)
    assert landing.last_delivery("oneroster", ORG, DAY).files == tuple(
        sorted(delivery.files, key=lambda file: file.file)
    )
    (users,) = [file for file in delivery.files if file.file == "users.csv"]
    assert users.bytes == len(FILES["users.csv"])
    assert users.kept is not None
    assert users.path.name == users.kept.sha256 != users.sha256
    users.path.chmod(0o600)
    users.path.write_bytes(users.path.read_bytes() + b"x")
    with pytest.raises(FetchError, match="no longer match"):
        landing.last_delivery("oneroster", ORG, DAY)


def test_files_left_aside_are_named_in_the_ledger(
    connection: Connection, database: Settings, root: Path, landing: Landing
) -> None:
    deliver(root, {**package(), **OTHERS})
    report = ingest(connection, database, ROSTER, org(), DAY, FolderSource(root))
    assert {file.file for file in report.files if file.status == "unlisted"} == set(OTHERS)
    assert set(rows(connection, "select file, bytes from ops.load_log where status = 'unlisted'")) == {
        (name, len(content)) for name, content in OTHERS.items()
    }


def bomb() -> bytes:
    return zipped({"users.csv": b"sourcedId,givenName\n" + b"0" * 20_000_000})


def twice() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("users.csv", "x")
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("users.csv", "y")
    return buffer.getvalue()


def with_flag(bit: int) -> bytes:
    content = bytearray(zipped({"users.csv": b"x"}))
    content[content.rindex(b"PK\1\2") + 8] |= bit
    return bytes(content)


def with_size(size: int) -> bytes:
    """A zip whose one file declares another size than it has."""
    content = bytearray(zipped({"users.csv": b"sourcedId,givenName\n" + bytes(range(65, 91)) * 3}))
    place = content.rindex(b"PK\1\2") + 24
    content[place : place + 4] = size.to_bytes(4, "little")
    return bytes(content)


def with_wrong_content() -> bytes:
    content = bytearray(zipped({"users.csv": b"sourcedId,givenName\n"}))
    content[content.index(b"users.csv") + 12] ^= 0xFF
    return bytes(content)


@pytest.mark.parametrize(
    ("zips", "code", "said"),
    [
        pytest.param({"a.zip": zipped({"/users.csv": b"x"})}, "OR011", "path", id="absolute path"),
        pytest.param({"a.zip": zipped({"../users.csv": b"x"})}, "OR011", "path", id="parent path"),
        pytest.param({"a.zip": zipped({"__MACOSX/../../users.csv": b"x"})}, "OR011", "path", id="hidden parent path"),
        pytest.param({"a.zip": zipped({"roster\\users.csv": b"x"})}, "OR011", "path", id="path of another system"),
        pytest.param({"a.zip": zipped({"C:users.csv": b"x"})}, "OR011", "path", id="drive"),
        pytest.param({"a.zip": zipped({"us\ners.csv": b"x"})}, "OR011", "named", id="line end in a name"),
        pytest.param({"a.zip": zipped({"roster/users.csv": b"x"})}, "OR012", "folder", id="folder"),
        pytest.param({"a.zip": zipped({"users.csv": b"x", "roster/": b""})}, "OR012", "folder", id="empty folder"),
        pytest.param({"a.zip": twice()}, "OR013", "twice", id="the same name twice"),
        pytest.param(
            {"a.zip": zipped({"users.csv": b"", "Users.CSV": b""})}, "OR013", "twice", id="names but for case"
        ),
        pytest.param({"a.zip": bomb()}, "OR014", "plausible", id="absurd ratio"),
        pytest.param(
            {"a.zip": zipped({f"{number}.csv": b"" for number in range(1001)})}, "OR014", "plausible", id="many files"
        ),
        pytest.param({"a.zip": with_link("users.csv", "/etc/passwd")}, "OR015", "link", id="link"),
        pytest.param({"a.zip": with_flag(1)}, "OR016", "encrypted", id="encrypted"),
        pytest.param({"a.zip": b"PK, or not"}, "OR010", "no zip", id="no zip"),
        pytest.param({"a.zip": b""}, "OR010", "no zip", id="empty"),
        pytest.param({"a.zip": zipped({"users.csv": b"x" * 99})[:-30]}, "OR010", "cut off", id="cut off"),
        pytest.param({"a.zip": with_wrong_content()}, "OR010", "damaged", id="damaged"),
        pytest.param({"a.zip": with_size(20)}, "OR010", "damaged", id="longer than declared"),
        pytest.param({"a.zip": with_size(20_000)}, "OR010", "damaged", id="shorter than declared"),
        pytest.param({"a.zip": zipped({}), "b.ZIP": zipped({})}, "OR017", "several zips", id="two zips"),
        pytest.param({"a.zip": zipped({}), "users.csv": b"x"}, "OR018", "loose", id="a zip beside files"),
        pytest.param({"users.csv": b"x", "USERS.csv": b"y"}, "OR013", "Two files", id="two spellings"),
    ],
)
def test_a_package_that_nobody_should_unpack_is_refused(
    root: Path, landing: Landing, zips: dict[str, bytes], code: str, said: str
) -> None:
    folder = deliver(root, zips)
    with pytest.raises(PackageRefused, match=said) as caught:
        fetched(root, landing)
    assert caught.value.code == code
    assert not [path for path in landing.root.rglob("*") if path.is_file()]
    with pytest.raises(PackageRefused) as again, open_package(folder, ROSTER):
        pass
    assert again.value.code == code


def test_declared_sizes_have_limits(root: Path, landing: Landing, monkeypatch: pytest.MonkeyPatch) -> None:
    deliver(root, {"roster.zip": zipped(package())})
    for limit in ("MAX_FILE_BYTES", "MAX_TOTAL_BYTES"):
        with monkeypatch.context() as patch:
            patch.setattr(zipped_module, limit, 100)
            with pytest.raises(PackageRefused, match="plausible"):
                fetched(root, landing)
    monkeypatch.setattr(delivery_folder, "MAX_ZIP_BYTES", 100)
    with pytest.raises(PackageRefused, match="deliver the files loose"):
        fetched(root, landing)


def test_what_macos_adds_and_hidden_files_are_ignored(root: Path, landing: Landing) -> None:
    extra = {"__MACOSX/._users.csv": b"x", "__MACOSX/": b"", ".DS_Store": b"x"}
    deliver(root, {"roster.zip": zipped({**package(), **extra})})
    delivery = fetched(root, landing)
    assert {file.file for file in delivery.files} == set(FILES)
    assert delivery.left_out == ()


def test_a_zip_that_is_still_being_written_is_tried_again_later(
    root: Path, landing: Landing, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = deliver(root, {"users.csv": b"sourc"})
    opened = delivery_folder.DeliveryFolder.land

    def grow(*given: object, **more: object) -> object:
        (folder / "users.csv").write_bytes(package()["users.csv"])
        return opened(*given, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(delivery_folder.DeliveryFolder, "land", grow)
    with pytest.raises(FetchError, match="still being written") as caught:
        fetched(root, landing)
    assert caught.value.transient


def test_a_package_that_cannot_be_read_is_refused_on_record(
    connection: Connection, database: Settings, root: Path
) -> None:
    deliver(root, {"roster.zip": zipped({"../users.csv": b"x"})})
    for _ in range(2):
        with pytest.raises(Refused, match=r"oneroster of springfield, 2026-09-01 refused: roster\.zip: .*OR011"):
            ingest(connection, database, ROSTER, org(), DAY, FolderSource(root))
    assert rows(connection, "select file, status from ops.load_log") == [("roster.zip", "refused")]
    assert rows(
        connection, "select verdict, errors, report -> 'findings' -> 0 ->> 'code' from ops.package_reports"
    ) == [("refused", 1, "OR011")]
    deliver(root, package())
    ingest(connection, database, ROSTER, org(), DAY, FolderSource(root))
    assert rows(connection, "select count(*) from ops.load_log where status = 'refused' and resolved_at is null") == [
        (0,)
    ]


def test_a_folder_and_a_zip_are_read_alike_by_hand(root: Path, tmp_path: Path) -> None:
    folder = deliver(root, {**package(), **OTHERS})
    zip_file = tmp_path / "roster.zip"
    zip_file.write_bytes(zipped({**package(), **OTHERS}))
    found = []
    for path in (folder, zip_file):
        with open_package(path, ROSTER) as opened:
            found.append({file: place.read_bytes() for file, place in opened.files.items()})
            assert opened.left_aside == tuple(sorted(OTHERS))
        assert not [place for place in opened.files.values() if place.exists()]
    assert found[0] == found[1]
    assert PASSWORD.encode() not in b"".join(found[0].values())
    with pytest.raises(UsageError, match="no folder or zip"), open_package(tmp_path / "nothing", ROSTER):
        pass


USERS = "sourcedId,enabledUser,orgSourcedIds,role,username,{name},givenName,familyName,grades,metadata.Password\n"
PEOPLE = (
    f"u1,true,s1,teacher,edna,{MARK}-1,Edna,K,,{MARK}-2\n"
    f'u2,true,s1,student,bart,"{MARK}-3, and\nmore of {MARK}-4",Bart,S,03,{MARK}-5\n'
    f"u3,true,s1,student,lisa,{MARK}-6,Lisa\n"
    f"u4,true,s1,student,nelson,{MARK}-7,Nelson,M,03,{MARK}-8,extra,{MARK}-9\n"
    f'u5,true,s1,student,mil"house,{MARK}-10,Mil,V,03,"{MARK}-11\n{MARK}-12"\n'
    f'u6,true,s1,student,"ralph,{MARK}-13,Ralph,W,03,{MARK}-14\n'
    f"u7,true,s1,headmaster,sey,{MARK}-15,Sey,S,,{MARK}-16\n"
    f"u8,true,s1,student,martin,{MARK}-17,Mart\r,P,03,{MARK}-18\n"
)


def deliveries_with_passwords() -> Iterator[dict[str, bytes]]:
    """Give packages in which every password is marked, with everything around them right or wrong."""
    for name in ("password", ' "Pass Word"', "PWD"):
        users = USERS.format(name=name) + PEOPLE
        yield package(users=users)
        yield {"roster.zip": zipped(package(users=b"\xef\xbb\xbf" + users.encode()))}
        yield package(users=users.replace("\n", "\r\n"))
        yield package(users=users.encode() + f"u9,true,s1,student,tod,{MARK},T,F,03,é\n".encode("latin-1"))
    users = USERS.format(name="password") + PEOPLE
    yield package(users=users.encode("utf-16"))
    yield package(users=users.replace("sourcedId", "source\0dId"))
    yield package(users=users.replace("sourcedId", '"sourcedId'))
    yield package(users=PEOPLE)
    yield package(users=users.replace(",", ";"))
    yield package(users=users, orgs=f"sourcedId,name,type,passwd\ns1,Elementary,school,{MARK}\n")
    yield {**package(), "userProfiles.csv": users.encode(), "notes.txt": users.encode()}


def test_no_byte_of_a_password_is_kept_anywhere(
    connection: Connection,
    database: Settings,
    postgres_server: Settings,
    root: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    said = []
    accepted = 0
    for files in deliveries_with_passwords():
        deliver(root, files)
        for again in (False, True):
            try:
                report = ingest(connection, database, ROSTER, org(), DAY, FolderSource(root), again=again)
                said.append(repr(report))
                accepted += 1
            except (Refused, FetchError) as error:
                said.append(f"{error!r} {error}")
    load_again(connection, database, ROSTER, org(), DAY)
    assert accepted >= 20
    assert marked_files(database.home, but=[root]) == {}
    assert marks_in("\n".join(said) + caplog.text) == []
    (server_log,) = postgres_server.home.rglob("server.log")
    assert marks_in(server_log.read_bytes()) == []
    assert marked_cells(connection) == []
    quarantined = rows(
        connection,
        "select line, record_key, code from ops.quarantine"
        " where load_id = (select min(load_id) from ops.load_log where file = 'users.csv') order by line",
    )
    assert [(key, code) for _, key, code in quarantined] == [
        ("u3", "OR200"),
        ("u4", "OR200"),
        ("u5", "OR200"),
        (None, "OR200"),
        ("u6", "OR200"),
        ("u7", "OR307"),
        ("u8", "OR200"),
    ]
    loaded = "select distinct sourced_id from raw_oneroster.users order by 1"
    assert rows(connection, loaded) == [("u1",), ("u2",), ("u3",), ("u9",)]


def marked_cells(connection: Connection) -> list[str]:
    """Return the tables of the database that hold a mark in any column, as their text would be dumped."""
    tables = rows(
        connection,
        "select schemaname, tablename from pg_tables where schemaname not in ('pg_catalog', 'information_schema')",
    )
    found = []
    for schema, table in tables:
        statement = sql.SQL("select count(*) from {} as t where t::text ilike %s").format(sql.Identifier(schema, table))
        with closing(connection.cursor()) as cursor:
            cursor.execute(statement, (f"%{MARK}%",))
            (count,) = cursor.fetchone() or (0,)
            if count:
                found.append(f"{schema}.{table}")
    connection.rollback()
    return found


def test_a_folder_that_holds_other_files_only_is_refused(root: Path, landing: Landing) -> None:
    deliver(root, OTHERS, day=NEXT_DAY)
    delivery = FolderSource(root).fetch(ROSTER, ORG, NEXT_DAY, landing)
    assert delivery.files == ()
    assert len(delivery.left_out) == len(OTHERS)
