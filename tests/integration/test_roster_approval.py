"""A package that would end much waits for a person: checks and status name it, an approval lets it through."""

from __future__ import annotations

import csv
import getpass
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from landed_deliveries import rows
from psycopg2.extensions import connection as Connection  # noqa: N812
from roster_packages import DAY, FILES, NEXT_DAY, ORG, ROSTER, deliver, manifest, org, package

from edreflect_assets.checks import CheckResult, checks_of, run_checks
from edreflect_assets.cli.app import main
from edreflect_assets.contracts import load_feeds
from edreflect_assets.errors import Refused, UsageError
from edreflect_assets.gaps import expected_orgs, late_orgs, missing_days
from edreflect_assets.ingest import ingest
from edreflect_assets.orgs import add_org, load_registry
from edreflect_assets.roster.approval import approve, held_packages
from edreflect_assets.roster.stored import stored_report, verdict_of
from edreflect_assets.settings import Settings
from edreflect_assets.sources.folder import FolderSource
from edreflect_assets.status import StatusRow, status_grid
from edreflect_assets.warehouse import pending
from tests.model.roster.platform import build_rosters

NOW = datetime.now(UTC)
HEADER, *_ = FILES["enrollments.csv"].splitlines(keepends=True)


def enrollments(count: int, *bad: str) -> str:
    return HEADER + "".join(f"e{number},k1,s1,u2,student,,,\n" for number in range(count)) + "".join(bad)


@pytest.fixture
def load(connection: Connection, database: Settings, tmp_path: Path) -> Callable[..., None]:
    def load(files: Mapping[str, bytes], day: date = DAY, org_id: str = ORG) -> None:
        deliver(tmp_path / "exports", files, day=day, org_id=org_id)
        ingest(connection, database, ROSTER, org(org_id), day, FolderSource(tmp_path / "exports"))

    return load


@pytest.fixture
def check(connection: Connection, database: Settings) -> Callable[[str], CheckResult]:
    def run(name: str) -> CheckResult:
        (found,) = [check for check in checks_of(ROSTER) if check.name == name]
        result = found.run(connection, ROSTER, load_registry(database), NOW)
        connection.rollback()
        return result

    return run


@pytest.fixture
def edreflect(database: Settings, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    monkeypatch.setenv("EDREFLECT_HOME", str(database.home))
    monkeypatch.setenv("EDREFLECT_DATABASE_URL", database.database_url or "")

    def run(*arguments: object) -> Result:
        return CliRunner().invoke(main, [str(argument) for argument in arguments])

    return run


def roster_row(connection: Connection, database: Settings, day: date | None = None) -> StatusRow:
    (row,) = [row for row in status_grid(connection, database, day) if row.feed == "oneroster"]
    connection.rollback()
    return row


def statuses(connection: Connection) -> list[tuple[date, str]]:
    return rows(connection, "select day, status from oneroster.packages order by day")


def test_a_held_package_waits_for_its_approval(
    connection: Connection,
    database: Settings,
    load: Callable[..., None],
    check: Callable[[str], CheckResult],
    edreflect: Callable[..., Result],
    tmp_path: Path,
) -> None:
    add_org(database, ORG)
    early = edreflect("approve", "oneroster", ORG, NEXT_DAY)
    assert early.exit_code == 2
    assert "nothing of oneroster was built yet; run `edreflect build`" in early.stderr
    assert held_packages(connection, ROSTER) == []
    assert check("packages_held").passed

    load(package(enrollments=enrollments(60, "bad,k1,s1,u2,headmaster,,,\n")))
    before = edreflect("report", "oneroster", ORG, DAY, "--report", tmp_path / "before")
    assert "No build has applied the package yet" in before.stdout
    load(package(enrollments=enrollments(10)), NEXT_DAY)
    build_rosters(database, NEXT_DAY, select="+path:models/reconciled/oneroster")
    assert statuses(connection) == [(DAY, "applied"), (NEXT_DAY, "held")]

    failed = check("packages_held")
    assert (failed.passed, failed.severity) == (False, "error")
    assert f"{ORG}, {NEXT_DAY}: would end 50 of 60 active records of enrollments.csv" in failed.text
    assert "edreflect approve oneroster ORG DAY" in failed.text
    row = roster_row(connection, database)
    assert (row.held, row.held_days, row.needs_person, row.pending) == (1, (NEXT_DAY,), True, 0)
    assert roster_row(connection, database, DAY).held == 0
    shown = edreflect("status")
    assert shown.exit_code == 1
    assert f"{ORG}, oneroster: held {NEXT_DAY}" in shown.stdout

    for day, said in ((DAY, "was applied already"), (date(2026, 9, 9), "no build has seen it")):
        assert said in edreflect("approve", "oneroster", ORG, day).stderr
    load(package(enrollments=enrollments(11)), NEXT_DAY)
    assert "was delivered anew since it was held" in edreflect("approve", "oneroster", ORG, NEXT_DAY).stderr
    assert check("packages_held").passed
    build_rosters(database, NEXT_DAY, select="+path:models/reconciled/oneroster")

    approved = edreflect("approve", "oneroster", ORG, NEXT_DAY)
    assert approved.exit_code == 0, approved.stderr
    assert "ends 49 of 60 active records of enrollments.csv" in approved.stdout
    assert f"Approved by {getpass.getuser()}; the next `edreflect build` applies it." in approved.stdout
    again = edreflect("approve", "oneroster", ORG, NEXT_DAY)
    assert (again.exit_code, "approved before" in again.stdout) == (0, True)
    assert rows(connection, "select feed, org_id, day, approved_by from ops.approvals") == [
        ("oneroster", ORG, NEXT_DAY, getpass.getuser())
    ]
    assert check("packages_held").passed
    assert pending(connection)
    connection.rollback()
    build_rosters(database, NEXT_DAY, select="+path:models/reconciled/oneroster")
    assert statuses(connection) == [(DAY, "applied"), (NEXT_DAY, "applied")]
    assert roster_row(connection, database).needs_person is False
    current = "select count(*) from oneroster.one_roster_enrollment where status = 'active'"
    assert rows(connection, current) == [(11,)]

    report = edreflect("report", "oneroster", ORG, NEXT_DAY, "--report", tmp_path / "after")
    assert report.exit_code == 0, report.stderr
    assert "What changed" in (tmp_path / "after" / "report.html").read_text()
    assert stored_report(connection, database, ROSTER, ORG, NEXT_DAY).sync
    connection.rollback()


def test_a_report_names_every_line_while_the_files_are_there(
    connection: Connection,
    database: Settings,
    load: Callable[..., None],
    edreflect: Callable[..., Result],
    tmp_path: Path,
) -> None:
    add_org(database, ORG)
    load(package(enrollments=enrollments(3, *(f"b{number},k1,s1,u2,headmaster,,,\n" for number in range(150)))))

    def lines_of(code: str) -> list[str]:
        assert edreflect("report", "oneroster", ORG, DAY, "--report", tmp_path / "report").exit_code == 0
        with (tmp_path / "report" / "errors_by_row.csv").open(newline="") as stream:
            return [row["line"] for row in csv.DictReader(stream) if row["code"] == code]

    assert lines_of("OR307") == [str(line) for line in range(5, 155)]
    for path in (database.landing / "oneroster").rglob(".delivered.json"):
        path.unlink()
    stored = stored_report(connection, database, ROSTER, ORG, DAY)
    connection.rollback()
    assert not stored.complete
    assert len(lines_of("OR307")) == 150
    assert len([line for line in lines_of("OR307") if line]) == 100
    nothing = edreflect("report", "oneroster", ORG, NEXT_DAY, "--report", tmp_path / "report")
    assert (nothing.exit_code, "No package of oneroster" in nothing.stderr) == (2, True)


def test_a_stored_report_tells_the_same_as_the_verdict(
    connection: Connection, database: Settings, load: Callable[..., None]
) -> None:
    load(
        package(
            enrollments=enrollments(3, "e1,k9,s1,u2,headmaster,,,\n", "e2,k9\n"),
            orgs=b"\xef\xbb\xbf" + package()["orgs.csv"],
        )
    )
    (report,) = rows(connection, "select report from ops.package_reports")[0]
    assert verdict_of(report).as_json() == report
    with pytest.raises(Refused):
        load({"users.csv": b"\xff\xfes\0"}, NEXT_DAY)
    (unread,) = rows(connection, "select report from ops.package_reports order by report_id desc")[0]
    assert verdict_of(unread).as_json() == unread
    assert verdict_of(unread).refusals[0].code == "OR100"


def test_checks_that_make_no_sense_for_packages_are_not_made(connection: Connection, database: Settings) -> None:
    names = [result.name for result in run_checks(connection, ROSTER, load_registry(database), NOW)]
    assert {"rows_balanced", "chain_of_days", "freshness", "packages_held", "package_findings"} <= set(names)
    of_daily_exports = {"shrink", "columns_as_documented", "reference_file_present", "lists_delivered_again"}
    assert not of_daily_exports & set(names)
    assert not {"packages_held", "package_findings"} & {check.name for check in checks_of(load_feeds()["edreflect"])}


def test_findings_are_summed_up_by_package(load: Callable[..., None], check: Callable[[str], CheckResult]) -> None:
    load(package())
    load(package(enrollments=enrollments(3, "bad,k1,s1,u2,headmaster,,,\n", "worse,k1\n")), NEXT_DAY)
    load(package(), date(2026, 9, 3))
    with pytest.raises(Refused):
        load(package(users="sourcedId,givenName\n"), date(2026, 9, 3))
    found = check("package_findings")
    assert (found.passed, found.severity) == (False, "warn")
    assert f"{ORG}, {NEXT_DAY}: 2 errors, " in found.text
    assert "OR200 x1, OR307 x1" in found.text
    assert f"{ORG}, 2026-09-03 (refused): 1 error, " in found.text
    assert "edreflect report oneroster ORG DAY --report DIR" in found.text
    assert "2 not readable or against a rule" in check("quarantine").text


def test_rows_balance_where_they_are_shared(
    connection: Connection, load: Callable[..., None], check: Callable[[str], CheckResult]
) -> None:
    load(package(enrollments=enrollments(3, "bad,k1,s1,u2,headmaster,,,\n")))
    load(package(enrollments=enrollments(3, "bad,k1,s1,u2,headmaster,,,\n")), NEXT_DAY)
    assert check("rows_balanced").passed
    with connection, connection.cursor() as cursor:
        cursor.execute("update ops.load_log set loaded_at = loaded_at - interval '20 days' where day = %s", (DAY,))
    assert check("rows_balanced").passed
    with connection, connection.cursor() as cursor:
        cursor.execute("delete from raw_oneroster.enrollments where sourced_id = 'e1'")
    failed = check("rows_balanced").text
    assert f"{ORG}, {NEXT_DAY}, enrollments.csv" in failed
    assert "3 rows and 1 set aside were recorded, 2 and 1 are there" in failed


def test_a_missing_day_is_a_gap_only_before_changes(
    connection: Connection, database: Settings, load: Callable[..., None], check: Callable[[str], CheckResult]
) -> None:
    add_org(database, ORG)
    load(package())
    load(package(), date(2026, 9, 4))
    assert check("chain_of_days").passed
    assert roster_row(connection, database).gaps == 0
    changes = HEADER.replace("sourcedId,", "sourcedId,status,dateLastModified,") + (
        "e2,active,2026-09-06T10:00:00Z,k1,s1,u2,student,,,\n"
    )
    load({"enrollments.csv": changes.encode()}, date(2026, 9, 6))
    failed = check("chain_of_days")
    assert f"{ORG}: 1 day missing (2026-09-05)" in failed.text
    assert "until a full list is delivered" in failed.text
    row = roster_row(connection, database)
    assert row.missing_days == (date(2026, 9, 5),)
    found = missing_days(connection, ROSTER, load_registry(database), datetime(2026, 9, 5, tzinfo=UTC))
    assert found[ORG] == [date(2026, 9, 5)]
    connection.rollback()


def test_a_feed_is_expected_once_it_was_delivered_or_where_it_is_listed(
    connection: Connection, database: Settings, load: Callable[..., None]
) -> None:
    server = {"host": "h", "user": "u", "password_env": "P"}
    for name, feeds in (("silent", None), (ORG, None), ("listed", ["oneroster"]), ("daily", ["edreflect"])):
        add_org(database, name, feeds=feeds, **server)
    registry = load_registry(database)
    edreflect = load_feeds()["edreflect"]

    def expected() -> tuple[set[str], set[str]]:
        found = expected_orgs(connection, registry, edreflect), expected_orgs(connection, registry, ROSTER)
        connection.rollback()
        return found

    assert expected() == ({"silent", ORG, "daily"}, {"listed"})
    load(package())
    assert expected() == ({"silent", "daily"}, {ORG, "listed"})
    late = late_orgs(connection, ROSTER, registry, datetime(2026, 9, 1, tzinfo=UTC) + timedelta(days=3))
    assert sorted(late_org.org_id for late_org in late) == ["listed", ORG]
    listed = {(row.org, row.feed) for row in status_grid(connection, database)}
    assert listed == {("silent", "edreflect"), ("daily", "edreflect"), (ORG, "oneroster"), ("listed", "oneroster")}
    connection.rollback()


def test_files_left_aside_are_said_not_to_be_kept(
    load: Callable[..., None], check: Callable[[str], CheckResult]
) -> None:
    load({**package(manifest=manifest()), "demographics.csv": b"x"})
    text = check("files_as_documented").text
    assert f"{ORG}, {DAY}: demographics.csv is left aside" in text
    assert "neither kept nor loaded" in text


def test_an_approval_needs_a_package_that_is_held(connection: Connection, load: Callable[..., None]) -> None:
    load(package())
    with pytest.raises(UsageError, match="is not held"):
        approve(connection, ROSTER, ORG, DAY)
    assert rows(connection, "select count(*) from ops.approvals") == [(0,)]
