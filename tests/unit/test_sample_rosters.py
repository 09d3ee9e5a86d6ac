"""The sample's rosters: complete packages that hang together, about the people whom EdReflect knows."""

from __future__ import annotations

import csv
import io
import tracemalloc
import zipfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from edreflect_assets.contracts import load_feeds
from edreflect_assets.sample import Sample, generate
from edreflect_assets.sample.rosters import Delivering
from edreflect_assets.sample.rosters.dirt import BROKEN_SUFFIX
from edreflect_assets.sample.tables import Row

FEED = load_feeds()["oneroster"]
SAMPLE = Sample(orgs=4, days=6, students=300)
LISTS = {"orgSourcedIds", "termSourcedIds", "agentSourcedIds"}
Package = dict[str, list[Row]]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("sample")
    SAMPLE.generate(out)
    return out


@pytest.fixture(scope="module")
def packages(written: Path) -> dict[str, dict[date, Package]]:
    return {
        org: {day: read(written / org / "oneroster" / str(day)) for day in SAMPLE.calendar} for org in SAMPLE.org_names
    }


@pytest.fixture(scope="module")
def truth() -> dict[str, Package]:
    """What is true at the end, by org."""
    return SAMPLE.expected_rosters()


def contents(directory: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(directory.iterdir()):
        if path.suffix == ".zip":
            with zipfile.ZipFile(path) as archive:
                yield from ((name, archive.read(name)) for name in archive.namelist())
        else:
            yield path.name, path.read_bytes()


def read(directory: Path) -> Package:
    return {
        name: list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True))
        for name, content in contents(directory)
    }


def manifest(package: Package) -> dict[str, str]:
    return {row["propertyName"]: row["value"] for row in package["manifest.csv"]}


def test_each_org_has_its_own_way_of_delivering(written: Path, packages: dict[str, dict[date, Package]]) -> None:
    seen = set()
    for org in SAMPLE.org_names:
        folder = written / org / "oneroster" / str(SAMPLE.calendar[0])
        package = packages[org][SAMPLE.calendar[0]]
        uuids = {row["sourcedId"].count("-") == 4 and len(row["sourcedId"]) == 36 for row in package["users.csv"]}
        zipped = [path.name for path in folder.iterdir()] == ["roster.zip"]
        version = manifest(package)["oneroster.version"]
        assert ("roles.csv" in package) == (version == "1.2") == ("role" not in package["users.csv"][0])
        seen.add((version, zipped, *uuids))
    assert seen == {("1.1", False, True), ("1.2", True, False), ("1.1", True, False), ("1.2", False, True)}


def test_the_first_package_is_full_and_most_others_are_changes(packages: dict[str, dict[date, Package]]) -> None:
    for number, org in enumerate(SAMPLE.org_names):
        for index, day in enumerate(SAMPLE.calendar):
            said = manifest(packages[org][day])
            held = {name: rows for name, rows in packages[org][day].items() if name != "manifest.csv"}
            assert {f"file.{name.removesuffix('.csv')}" for name in held} == {
                key for key, value in said.items() if value in {"bulk", "delta"}
            }
            for name, rows in held.items():
                is_delta = {bool(row.get("status") and row.get("dateLastModified")) for row in rows}
                assert is_delta == {said[f"file.{name.removesuffix('.csv')}"] == "delta"}
            if Delivering.of(number).is_bulk_day(index):
                assert len(held) == 7 if said["oneroster.version"] == "1.2" else 6


def test_an_untouched_day_is_a_manifest_alone(tmp_path: Path) -> None:
    sample = Sample(orgs=1, days=7, students=12, scale=0.01)
    sample.generate(tmp_path)
    days = [read(tmp_path / sample.org_names[0] / "oneroster" / str(day)) for day in sample.calendar]
    assert any(set(package) == {"manifest.csv"} for package in days)


def test_headers_are_the_contracts_in_its_order(packages: dict[str, dict[date, Package]]) -> None:
    for by_day in packages.values():
        for package in by_day.values():
            for name, rows in package.items():
                known = [column.header for column in FEED.files[name].columns]
                delivered = [header for header in rows[0] if header != "password"]
                assert delivered == [header for header in known if header in delivered]


def test_every_reference_leads_somewhere_but_the_one_that_should_not(truth: dict[str, Package]) -> None:
    for org, package in truth.items():
        known = {name: {row["sourcedId"] for row in rows} for name, rows in package.items()}
        stray = []
        for name, rows in package.items():
            assert len(known[name]) == len(rows)
            for column in FEED.files[name].columns:
                if column.references is None:
                    continue
                target = known[FEED.tables[column.references].file]
                for row in rows:
                    value = row.get(column.header or "", "")
                    named = value.split(",") if column.header in LISTS else [value]
                    stray += [(name, column.header) for one in named if one and one not in target]
        assert stray == [("users.csv", "agentSourcedIds")], org


def test_a_clean_sample_has_neither_broken_records_nor_stray_references() -> None:
    sample = Sample(orgs=1, days=1, students=40, dirty=False)
    [delivery] = sample.rosters()
    assert delivery.package.broken == 0
    rows = {file.name: list(file.rows()) for file in delivery.package.files}
    people = {row["sourcedId"] for row in rows["users.csv"]}
    assert {
        agent for row in rows["users.csv"] for agent in row.get("agentSourcedIds", "").split(",") if agent
    } <= people
    assert {row["enabledUser"] for row in rows["users.csv"]} <= {"true", "false"}


def test_enrollments_lie_within_the_terms_of_their_classes(truth: dict[str, Package]) -> None:
    for package in truth.values():
        terms = {row["sourcedId"]: (row["startDate"], row["endDate"]) for row in package["academicSessions.csv"]}
        schools = {row["sourcedId"]: row["schoolSourcedId"] for row in package["classes.csv"]}
        periods = {
            row["sourcedId"]: [terms[term] for term in row["termSourcedIds"].split(",")]
            for row in package["classes.csv"]
        }
        for row in package["enrollments.csv"]:
            begin, end = row["beginDate"], row["endDate"]
            times = periods[row["classSourcedId"]]
            assert min(start for start, _ in times) <= begin < max(over for _, over in times)
            assert not end or begin < end <= max(over for _, over in times)
            assert row["schoolSourcedId"] == schools[row["classSourcedId"]]


def test_one_teacher_at_a_time_is_in_charge_of_a_class(truth: dict[str, Package]) -> None:
    for package in truth.values():
        in_charge = defaultdict(list)
        for row in package["enrollments.csv"]:
            if row.get("primary") == "true":
                assert row["role"] == "teacher"
                in_charge[row["classSourcedId"]].append((row["beginDate"], row["endDate"] or "9999"))
        assert in_charge.keys() == {row["sourcedId"] for row in package["classes.csv"]}
        for times in in_charge.values():
            assert all(end <= begin for (_, end), (begin, _) in zip(sorted(times), sorted(times)[1:], strict=False))


def test_teachers_and_principals_are_the_people_of_edreflect(truth: dict[str, Package]) -> None:
    expected, seen = SAMPLE.expected_state(), set()
    for org, package in truth.items():
        accounts = {row["employee_id"]: row for row in expected[org]["user_accounts"] if row["is_active"] == "true"}
        by_number = {row["identifier"]: row for row in package["users.csv"] if row.get("identifier")}
        known = accounts.keys() & by_number.keys()
        for number in known:
            account, person = accounts[number], by_number[number]
            assert (person["givenName"], person["familyName"]) == (account["first_name"], account["last_name"])
            assert person["email"] == account["email"]
        others = [accounts[number]["email"] for number in accounts.keys() - known]
        addresses = Counter(row["email"].lower() for row in package["users.csv"] if row.get("email"))
        # found by address, found twice, not found
        seen |= {addresses[str(address)] for address in others}
        assert len(known) > len(others) * 4
    assert seen == {0, 1, 2}


def test_every_school_has_a_principal_and_teachers(truth: dict[str, Package]) -> None:
    org_1_1, org_1_2 = SAMPLE.org_names[0], SAMPLE.org_names[1]
    schools = {row["sourcedId"] for row in truth[org_1_2]["orgs.csv"] if row["type"] == "school"}
    for role in ("principal", "teacher", "student"):
        assert {row["orgSourcedId"] for row in truth[org_1_2]["roles.csv"] if row["role"] == role} >= schools
    schools = {row["sourcedId"] for row in truth[org_1_1]["orgs.csv"] if row["type"] == "school"}
    administered = {row["orgSourcedIds"] for row in truth[org_1_1]["users.csv"] if row["role"] == "administrator"}
    assert administered >= schools


def test_some_students_have_a_teacher_among_their_agents(truth: dict[str, Package]) -> None:
    people = truth[SAMPLE.org_names[0]]["users.csv"]
    roles = {row["sourcedId"]: row["role"] for row in people}
    agents = Counter(
        roles.get(agent, "unknown") for row in people for agent in row.get("agentSourcedIds", "").split(",") if agent
    )
    assert agents["teacher"] > 20
    assert agents["parent"] > 50
    assert agents["unknown"] == 1
    assert {row["role"] for row in people if row.get("agentSourcedIds")} == {"student"}
    assert {row["role"] for row in people if row.get("grades")} == {"student"}


def test_people_come_go_move_and_change_their_names(packages: dict[str, dict[date, Package]]) -> None:
    org = SAMPLE.org_names[0]
    first = {row["sourcedId"]: row for row in packages[org][SAMPLE.calendar[0]]["users.csv"]}
    seen = Counter[str]()
    for day in SAMPLE.calendar[1:]:
        for row in packages[org][day].get("users.csv", []):
            before = first.get(row["sourcedId"])
            if row.get("status") == "tobedeleted":
                seen["withdrawn"] += 1
            elif before is None:
                seen["new"] += 1
            elif row["orgSourcedIds"] != before["orgSourcedIds"]:
                seen["moved"] += 1
            elif row["familyName"] != before["familyName"]:
                seen["renamed"] += 1
    assert seen.keys() == {"withdrawn", "new", "moved", "renamed"}


def test_the_first_package_has_one_broken_record_and_one_boolean_in_capitals(
    packages: dict[str, dict[date, Package]],
) -> None:
    for by_day in packages.values():
        first = by_day[SAMPLE.calendar[0]]
        broken = [row for row in first["enrollments.csv"] if row["sourcedId"].endswith(BROKEN_SUFFIX)]
        assert [row["beginDate"] for row in broken] == ["2026-02-31"]
        assert [row["enabledUser"] for row in first["users.csv"]].count("TRUE") == 1


def test_passwords_are_delivered_where_they_should_not_be(packages: dict[str, dict[date, Package]]) -> None:
    with_passwords = [org for org in packages if packages[org][SAMPLE.calendar[0]]["users.csv"][0].get("password")]
    assert with_passwords == [SAMPLE.org_names[0], SAMPLE.org_names[2]]


def test_the_same_seed_gives_the_same_bytes_and_rosters_change_nothing_in_edreflects(
    written: Path, tmp_path: Path
) -> None:
    def all_bytes(root: Path, pattern: str) -> dict[Path, bytes]:
        return {path.relative_to(root): path.read_bytes() for path in root.glob(pattern) if path.is_file()}

    generate(tmp_path / "again", orgs=4, days=6, students=300)
    generate(tmp_path / "without", orgs=4, days=6)
    assert all_bytes(tmp_path / "again", "*/oneroster/*/*") == all_bytes(written, "*/oneroster/*/*")
    assert all_bytes(tmp_path / "without", "**/*.csv") == all_bytes(written, "*/export/**/*.csv")


def test_the_late_roster_and_the_one_cut_off_come_right_with_the_corrections(written: Path, tmp_path: Path) -> None:
    ((late_org, late_day),), ((cut_org, cut_day),) = SAMPLE.late_days, SAMPLE.corrected_days
    SAMPLE.generate(tmp_path, hold_back=True)
    assert not (tmp_path / late_org / "oneroster" / str(late_day)).exists()
    place = Path(cut_org, "oneroster", str(cut_day))
    cut, whole = read(tmp_path / place), read(written / place)
    assert cut.keys() == whole.keys()
    assert [name for name in cut if len(cut[name]) < len(whole[name])] == [
        name for name in ("classes.csv", "enrollments.csv", "users.csv") if len(whole.get(name, ())) > 1
    ]
    SAMPLE.corrections(tmp_path)
    assert read(tmp_path / late_org / "oneroster" / str(late_day)) == read(
        written / late_org / "oneroster" / str(late_day)
    )
    assert read(tmp_path / place) == whole


def test_memory_does_not_follow_the_number_of_students(tmp_path: Path) -> None:
    peaks = []
    for students in (1_000, 5_000):
        tracemalloc.start()
        generate(tmp_path / str(students), orgs=1, days=1, educators=3, students=students)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] * 1.5
