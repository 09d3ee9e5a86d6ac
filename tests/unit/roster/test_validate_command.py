"""``edreflect validate oneroster`` as a person at a school district runs it."""

from __future__ import annotations

import csv
import json
import stat
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from edreflect_assets.cli.app import main
from edreflect_assets.roster.report import report_page, write_report
from tests.unit.roster.rosters import Roster


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["validate", "oneroster", *map(str, arguments)])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder for a package."""
    package = tmp_path / "package"
    package.mkdir()
    return package


def test_a_roster_without_a_fault_ends_with_0(folder: Path) -> None:
    Roster().write(folder)
    result = run(folder)
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[-1] == ("The package can be loaded: of 15 records none is set aside; 0 warnings.")


def test_warnings_alone_end_with_0(folder: Path) -> None:
    Roster().set("users.csv", 3, "grades", "").write(folder)
    result = run(folder)
    assert result.exit_code == 0
    assert "OR440" in result.stdout
    assert "1 warning." in result.stdout


def test_a_record_set_aside_ends_with_1_and_is_named_by_file_line_and_column(folder: Path) -> None:
    Roster().set("enrollments.csv", 3, "beginDate", "9/1/2025").write(folder)
    result = run(folder)
    assert result.exit_code == 1
    (line,) = [line for line in result.stdout.splitlines() if line.startswith("OR303")]
    assert line.split()[:6] == ["OR303", "row", "enrollments.csv", "beginDate", "1", "3"]
    assert "of 15 records 1 is set aside" in result.stdout


def test_a_refused_package_ends_with_1_and_a_sentence(folder: Path) -> None:
    Roster().drop_column("users.csv", "username").write(folder)
    result = run(folder)
    assert result.exit_code == 1
    assert "OR103" in result.stdout
    assert result.stdout.splitlines()[-1] == "The package cannot be loaded: one finding refuses it as a whole."


def test_a_zip_is_judged_like_the_files_in_it(folder: Path, tmp_path: Path) -> None:
    package = tmp_path / "roster.zip"
    with zipfile.ZipFile(package, "w") as archive:
        for path in Roster().write(folder).values():
            archive.write(path, path.name)
    assert run(package).stdout == run(folder).stdout


def test_a_zip_that_cannot_be_opened_is_a_finding(tmp_path: Path) -> None:
    package = tmp_path / "roster.zip"
    package.write_bytes(b"PK\x03\x04 and no more")
    result = run(package)
    assert result.exit_code == 1
    assert "OR010" in result.stdout
    assert result.stderr == ""


def test_nothing_at_the_path_is_wrong_usage(tmp_path: Path) -> None:
    assert run(tmp_path / "nowhere").exit_code == 2


def test_json_is_the_report_and_nothing_else(folder: Path) -> None:
    roster = Roster()
    for _ in range(150):
        roster.repeat("orgs.csv", 4, type="kiosk")
    roster.write(folder)
    report = json.loads(run(folder, "--json").stdout)
    assert report["files"]["orgs.csv"] == {"table": "orgs", "mode": "bulk", "records": 153, "rejected": 151}
    found = {finding["code"]: finding for finding in report["findings"]}
    assert (found["OR307"]["count"], len(found["OR307"]["lines"])) == (150, 100)
    assert report["errors"] == 300


def test_a_password_is_no_finding_and_nowhere_in_the_report(folder: Path, tmp_path: Path) -> None:
    Roster().add_column("users.csv", "password", ["hunter2"] * 3).write(folder)
    result = run(folder, "--report", tmp_path / "report")
    assert result.exit_code == 0, result.stdout
    assert not [path for path in (tmp_path / "report").iterdir() if "hunter2" in path.read_text()]


def test_the_report_holds_every_finding_and_is_for_its_owner_alone(folder: Path, tmp_path: Path) -> None:
    roster = Roster().set("enrollments.csv", 3, "beginDate", "soon").set("enrollments.csv", 4, "beginDate", "soon")
    roster.set("users.csv", 3, "grades", "").write(folder)
    report = tmp_path / "a" / "report"
    assert str(report) in run(folder, "--report", report).stdout
    assert stat.S_IMODE(report.stat().st_mode) == 0o700
    with (report / "errors_by_code.csv").open(newline="") as stream:
        by_code = list(csv.DictReader(stream))
    assert [(row["code"], row["findings"], row["first_lines"]) for row in by_code] == [
        ("OR303", "2", "3 4"),
        ("OR440", "1", "3"),
    ]
    with (report / "errors_by_row.csv").open(newline="") as stream:
        by_row = list(csv.DictReader(stream))
    assert [(row["file"], row["line"], row["column"], row["severity"]) for row in by_row] == [
        ("enrollments.csv", "3", "beginDate", "row"),
        ("enrollments.csv", "4", "beginDate", "row"),
        ("users.csv", "3", "grades", "warning"),
    ]


def test_the_page_shows_what_changed_and_trusts_no_name(folder: Path) -> None:
    roster = Roster()
    roster.left_aside = ("<script>alert(1)</script>.csv",)
    sync = [{"file": "users.csv", "mode": "bulk", "added": 1200, "changed": 0, "ended": 3, "returned": 1, "stayed": 7}]
    page = report_page(roster.judged(folder), "Springfield & Shelbyville", sync)
    assert "<script>" not in page
    assert "Springfield &amp; Shelbyville" in page
    for text in ("Added", "Came back", "1,200"):
        assert text in page


def test_a_name_that_a_spreadsheet_would_run_is_written_as_text(folder: Path, tmp_path: Path) -> None:
    roster = Roster().add_column("orgs.csv", "=HYPERLINK(1)")
    write_report(tmp_path / "report", roster.judged(folder), "A package")
    with (tmp_path / "report" / "errors_by_row.csv").open(newline="") as stream:
        (row,) = csv.DictReader(stream)
    assert not row["column"].startswith("=")
