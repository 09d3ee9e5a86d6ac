"""A roster handed on: a full 1.1 package that passes validation, and that gives the same roster where it is read.

Every case is an org of one database; what is exported from it is read into a second one.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from psycopg2 import sql
from psycopg2.extensions import connection as Connection  # noqa: N812
from roster_packages import FILES, ROSTER, deliver, org, package

from edreflect_assets.cli.app import main
from edreflect_assets.database import connect
from edreflect_assets.errors import UsageError
from edreflect_assets.ingest import ingest
from edreflect_assets.orgs import sync_orgs
from edreflect_assets.roster.export import ExportedFile, export_package
from edreflect_assets.roster.package import open_package
from edreflect_assets.roster.validation import validate
from edreflect_assets.sample import Sample
from edreflect_assets.settings import Settings
from edreflect_assets.sources.folder import FolderSource
from edreflect_assets.warehouse.build import run_dbt
from tests.model.database import fresh_database

SAMPLE = Sample(orgs=2, days=4, educators=14, students=90, end_day=date(2026, 10, 15))
FIRST, SECOND, THIRD = (SAMPLE.calendar[n] for n in (0, 1, 2))
LAST = SAMPLE.end_day
MODELS = ["+reconciled.oneroster"]

ODD_NAME = 'O\'Brien, "Bo" \\. 李'
ODD = package(
    users=FILES["users.csv"].replace(
        "u2,true,s1,student,bart,{SIS:2},Bart,S,",
        f'u2,true,s1,student,NULL,{{SIS:2}},"{ODD_NAME.replace(chr(34), chr(34) * 2)}", S ,',
    ),
    classes=FILES["classes.csv"].replace("Reading A", '"Reading\r\nfor A\nand ""B"""').replace("Room 1", "\\."),
)

DANGLING = package(
    orgs=FILES["orgs.csv"] + "s2,Lost parent,school,,d9\n",
    academicSessions=FILES["academicSessions.csv"] + "t2,Spring,term,2027-01-01,2027-07-01,y9,2027\n",
    courses=FILES["courses.csv"]
    + "c2,y9,No such year,,,s1,,\nc3,t1,A term for a year,,,s1,,\nc4,y1,No such organization,,,s9,,\n",
    classes=FILES["classes.csv"]
    + 'k2,One term of two,03,c2,,homeroom,,s1,"t9,t1",,,\nk3,No such term,03,c1,,homeroom,,s1,t9,,,\n'
    + "k4,Of a course left out,03,c4,,homeroom,,s1,t1,,,\n",
    users=FILES["users.csv"].replace(
        "u3,true,s1,student,lisa,{SIS:3},Lisa,S,,,,,,,03,", 'u3,true,s1,student,lisa,{SIS:3},Lisa,S,,,,,,"u9,u1",03,'
    )
    + "u4,true,s9,student,nobody,,Nel,N,,,,,,,03,\n",
    enrollments=FILES["enrollments.csv"]
    + "e4,k9,s1,u2,student,,,\ne5,k1,s1,u9,student,,,\ne6,k1,s9,u2,student,,,\ne7,k1,s1,u4,student,,,\n",
)

USERS_1_2 = "sourcedId,enabledUser,username,userIds,givenName,familyName,middleName,identifier,email,sms,phone,agentSourcedIds,grades\n"
ROLES = "sourcedId,userSourcedId,roleType,role,beginDate,endDate,orgSourcedId,userProfileSourcedId\n"
VERSION_1_2 = package(
    manifest="propertyName,value\nmanifest.version,1.0\noneroster.version,1.2\n"
    + "".join(
        f"file.{name},bulk\n"
        for name in ("academicSessions", "classes", "courses", "enrollments", "orgs", "roles", "users")
    ),
    orgs=FILES["orgs.csv"] + "s2,High School,school,,d1\n",
    users=USERS_1_2
    + 'u1,true,edna,,Edna,K,,E1,,,,,\nu2,true,bart,,Bart,S,,,,,,"u5,u1",03\nu3,true,lisa,,Lisa,S,,,,,,,03\n'
    + "u4,true,seymour,,Seymour,S,,,,,,,\nu5,true,marge,,Marge,S,,,,,,,\nu6,false,otto,,Otto,M,,,,,,,\nu7,true,late,,Lou,T,,,,,,,\n",
    roles=ROLES
    + "r1,u1,secondary,teacher,,,s2,\nr2,u1,primary,teacher,,,s1,\nr3,u1,secondary,counselor,,,d1,\n"
    + "r4,u2,primary,student,,,s1,\nr5,u3,primary,student,2026-08-01,2026-09-01,s2,\nr6,u3,primary,student,2026-09-01,,s1,\n"
    + "r7,u4,primary,principal,,,s1,\nr8,u4,secondary,siteAdministrator,,,s2,\nr9,u5,secondary,parent,2026-09-01,,s1,\n"
    + f"r10,u6,primary,aide,2020-01-01,{FIRST},s1,\nr11,u7,primary,counselor,{LAST},,s1,\n",
    enrollments=FILES["enrollments.csv"] + "e4,k1,s1,u6,proctor,,,\n",
)

ENDED = [
    (FIRST, package()),
    (
        SECOND,
        package(
            users=FILES["users.csv"].replace("u3,", "u4,"),
            enrollments=FILES["enrollments.csv"]
            .replace("u3,", "u4,")
            .replace("2026-08-15,2027-01-01\ne3", f"2026-08-15,{SECOND}\ne3"),
        ),
    ),
    (THIRD, package()),
]
NO_CLASSES = package(courses=None, classes=None, enrollments=None, academicSessions=None)

CASES: dict[str, list[tuple[date, Mapping[str, bytes]]]] = {
    "odd_values": [(FIRST, ODD)],
    "dangling": [(FIRST, DANGLING)],
    "one_point_two": [(FIRST, VERSION_1_2)],
    "ended": ENDED,
    "no_classes": [(FIRST, NO_CLASSES)],
}
TRIPS = [
    *((name, day) for name in SAMPLE.org_names for day in (FIRST, LAST)),
    *((name, LAST) for name in CASES),
    ("ended", FIRST),
    ("ended", SECOND),
]


class World:
    """Two databases: where the cases are loaded, and where their exports are, one org for each trip."""

    def __init__(self, home: Path, source: Settings, target: Settings) -> None:
        self.home, self.source, self.target = home, source, target
        self.files: dict[tuple[str, date], tuple[ExportedFile, ...]] = {}

    def folder(self, name: str, day: date) -> Path:
        return self.home / "exported" / str(day) / name

    def read(self, name: str, day: date, file: str) -> dict[str, dict[str, str]]:
        """Return an exported file's records by sourcedId."""
        with (self.folder(name, day) / file).open(encoding="utf-8", newline="") as text:
            return {row["sourcedId"]: row for row in csv.DictReader(text, strict=True)}


@pytest.fixture(scope="module")
def world(
    postgres_server: Settings, template_database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    home = tmp_path_factory.mktemp("export")
    with ExitStack() as stack:
        source, target = (
            stack.enter_context(fresh_database(postgres_server, template_database, home / name))
            for name in ("source", "target")
        )
        world = World(home, source, target)
        SAMPLE.generate(home / "delivered")
        for name, days in CASES.items():
            for day, files in days:
                deliver(home / "delivered", files, day=day, org_id=name)
        load(source, home / "delivered", [(name, day) for name in SAMPLE.org_names for day in SAMPLE.calendar])
        load(source, home / "delivered", [(name, day) for name, days in CASES.items() for day, _ in days])
        build(source)
        with closing(connect(source)) as connection:
            for name, day in TRIPS:
                world.files[name, day] = export_package(connection, ROSTER, name, day, world.folder(name, day))
        # each trip is loaded as a day of its own, and those of one org are full files that follow each other
        for number, (name, day) in enumerate(TRIPS):
            deliver(home / "handed on", contents(world.folder(name, day)), day=arrival(number), org_id=name)
        load(target, home / "handed on", [(name, arrival(number)) for number, (name, _) in enumerate(TRIPS)])
        build(target)
        yield world


def arrival(trip: int) -> date:
    return LAST + timedelta(days=trip + 1)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def load(settings: Settings, root: Path, deliveries: list[tuple[str, date]]) -> None:
    with closing(connect(settings)) as connection:
        sync_orgs(connection, {name: org(name) for name in (*SAMPLE.org_names, *CASES)})
        for name, day in deliveries:
            ingest(connection, settings, ROSTER, org(name), day, FolderSource(root))


def build(settings: Settings) -> None:
    report = run_dbt(settings, ["run", "--select", *MODELS])
    assert report.failures == (), report.failures


def roster(settings: Settings, name: str, day: date, table: str) -> list[dict[str, Any]]:
    """Return the active rows of an org on a day, without what tells when a change was learnt."""
    learnt = {"org_id", "date_last_modified", "date_created", "status"}
    if table in {"role", "user_agent"}:
        learnt |= {"begin_date", "end_date"}
    with closing(connect(settings)) as connection, connection.cursor() as cursor:
        cursor.execute(
            sql.SQL(
                "select to_jsonb(state) from oneroster.{}(%s) as state where org_id = %s and status = 'active'"
            ).format(sql.Identifier(f"one_roster_{table}_as_of")),
            (day, name),
        )
        rows = [{key: value for key, value in row.items() if key not in learnt} for (row,) in cursor.fetchall()]
    return sorted(rows, key=repr)


@pytest.mark.parametrize(("name", "day"), TRIPS)
def test_an_exported_package_has_no_finding(world: World, name: str, day: date) -> None:
    with open_package(world.folder(name, day), ROSTER) as opened:
        verdict = validate(ROSTER, opened.files, opened.left_aside)
    assert list(verdict.findings()) == []
    assert verdict.version == "1.1"
    assert {file.mode for file in verdict.files.values() if file.file != "manifest.csv"} == {"bulk"}


@pytest.mark.parametrize(("name", "day"), TRIPS)
def test_read_elsewhere_and_exported_again_it_is_the_same_byte_by_byte(
    world: World, tmp_path: Path, name: str, day: date
) -> None:
    with closing(connect(world.target)) as connection:
        export_package(connection, ROSTER, name, arrival(TRIPS.index((name, day))), tmp_path / "again")
    assert contents(tmp_path / "again") == contents(world.folder(name, day))


@pytest.mark.parametrize(
    "table", ["organization", "academic_session", "course", "class", "user", "role", "user_agent", "enrollment"]
)
@pytest.mark.parametrize(
    ("name", "day"), [(SAMPLE.org_names[0], FIRST), (SAMPLE.org_names[0], LAST), ("ended", SECOND), ("ended", LAST)]
)
def test_what_is_read_elsewhere_is_the_roster_itself(world: World, name: str, day: date, table: str) -> None:
    there = roster(world.target, name, arrival(TRIPS.index((name, day))), table)
    assert there == roster(world.source, name, day, table)
    assert there or (name, table) == ("ended", "user_agent")


def test_values_are_handed_on_as_they_are_but_for_line_ends(world: World) -> None:
    student = world.read("odd_values", LAST, "users.csv")["u2"]
    assert (student["givenName"], student["familyName"], student["username"]) == (ODD_NAME, " S ", "NULL")
    reading = world.read("odd_values", LAST, "classes.csv")["k1"]
    assert (reading["title"], reading["location"]) == ('Reading for A and "B"', "\\.")


def test_what_leads_nowhere_is_left_empty_and_what_cannot_be_without_is_left_out(world: World) -> None:
    def read(file: str) -> dict[str, dict[str, str]]:
        return world.read("dangling", LAST, file)

    assert read("orgs.csv")["s2"]["parentSourcedId"] == ""
    assert read("academicSessions.csv")["t2"]["parentSourcedId"] == ""
    courses = read("courses.csv")
    assert {key: row["schoolYearSourcedId"] for key, row in courses.items()} == {"c1": "y1", "c2": "", "c3": ""}
    assert {key: row["termSourcedIds"] for key, row in read("classes.csv").items()} == {"k1": "t1", "k2": "t1"}
    assert {key: row["agentSourcedIds"] for key, row in read("users.csv").items()} == {"u1": "", "u2": "", "u3": "u1"}
    assert read("enrollments.csv").keys() == {"e1", "e2", "e3"}
    told = {file.file: (file.left_out, file.emptied) for file in world.files["dangling", LAST]}
    assert told.pop("users.csv")[0] == 1
    assert told == {
        "academicSessions.csv": (0, 1),
        "orgs.csv": (0, 1),
        "courses.csv": (1, 2),
        "classes.csv": (2, 1),
        "enrollments.csv": (4, 0),
    }


def test_version_1_2_is_mapped_to_one_role_for_each_person(world: World) -> None:
    people = world.read("one_point_two", LAST, "users.csv")
    assert {key: (row["role"], row["orgSourcedIds"]) for key, row in people.items()} == {
        "u1": ("teacher", "s1,s2"),
        "u2": ("student", "s1"),
        "u3": ("student", "s1"),
        "u4": ("administrator", "s1,s2"),
        "u5": ("parent", "s1"),
        "u7": ("aide", "s1"),
    }
    assert people["u2"]["agentSourcedIds"] == "u1,u5"
    assert "e4" not in world.read("one_point_two", LAST, "enrollments.csv")
    told = {file.file: file for file in world.files["one_point_two", LAST]}
    assert (told["users.csv"].left_out, told["enrollments.csv"].left_out) == (1, 1)
    assert "no role" in told["users.csv"].why_left_out


def test_a_role_counts_on_the_days_between_its_begin_and_its_end(world: World, tmp_path: Path) -> None:
    with closing(connect(world.source)) as connection:
        export_package(connection, ROSTER, "one_point_two", LAST - timedelta(days=1), tmp_path / "before")
    with (tmp_path / "before" / "users.csv").open(newline="") as text:
        assert "u7" not in {row["sourcedId"] for row in csv.DictReader(text)}


def test_the_ended_are_left_out_and_each_day_has_its_own_roster(world: World) -> None:
    people = {day: world.read("ended", day, "users.csv").keys() for day in (FIRST, SECOND, LAST)}
    assert people == {FIRST: {"u1", "u2", "u3"}, SECOND: {"u1", "u2", "u4"}, LAST: {"u1", "u2", "u3"}}
    ends = {day: world.read("ended", day, "enrollments.csv")["e2"]["endDate"] for day in people}
    assert ends == {FIRST: "2027-01-01", SECOND: str(SECOND), LAST: "2027-01-01"}


def test_a_file_without_records_is_absent(world: World) -> None:
    folder = world.folder("no_classes", LAST)
    assert {path.name for path in folder.iterdir()} == {"manifest.csv", "orgs.csv", "users.csv"}
    said = dict(csv.reader((folder / "manifest.csv").open(encoding="utf-8", newline="")))
    assert (said["file.classes"], said["file.users"], said["oneroster.version"]) == ("absent", "bulk", "1.1")


def test_an_export_is_the_owners_alone(world: World) -> None:
    folder = world.folder(SAMPLE.org_names[0], LAST)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}


def test_a_folder_with_something_in_it_is_refused_and_stays_as_it_was(world: World, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with closing(connect(world.source)) as connection, pytest.raises(UsageError, match="not an empty folder"):
        export_package(connection, ROSTER, "ended", LAST, tmp_path)
    assert contents(tmp_path) == {"notes.txt": b"mine"}


@pytest.mark.parametrize(
    ("name", "day", "told"),
    [("nowhere", LAST, "No org is called nowhere"), ("ended", FIRST - timedelta(days=1), "ended has no roster on")],
)
def test_an_export_of_nothing_is_refused_and_leaves_nothing(
    world: World, tmp_path: Path, name: str, day: date, told: str
) -> None:
    with closing(connect(world.source)) as connection, pytest.raises(UsageError, match=told):
        export_package(connection, ROSTER, name, day, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_before_the_first_build_there_is_nothing_to_export(connection: Connection, tmp_path: Path) -> None:
    sync_orgs(connection, {"springfield": org("springfield")})
    with pytest.raises(UsageError, match="edreflect build"):
        export_package(connection, ROSTER, "springfield", LAST, tmp_path / "out")


def test_the_command_says_what_it_wrote_and_what_it_left_out(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDREFLECT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("EDREFLECT_DATABASE_URL", world.source.database_url or "")
    out = tmp_path / "out"
    arguments = ["export", "oneroster", "--org", "dangling", "--day", str(LAST), "--out", str(out)]
    result = CliRunner().invoke(main, arguments)
    assert (result.exit_code, result.stderr) == (0, "")
    assert "courses.csv: 1 record left out: organization not in the roster." in result.stdout
    assert "classes.csv: 1 reference to nothing in the roster left empty." in result.stdout
    assert contents(out) == contents(world.folder("dangling", LAST))
    again = CliRunner().invoke(main, arguments)
    assert (again.exit_code, again.stdout) == (2, "")
