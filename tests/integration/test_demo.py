"""The demo as a newcomer runs it, in a process of its own: what it shows, and that nothing of it is left behind."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path

import psycopg2
import pytest

from edreflect_assets.database import connect, ensure_server
from edreflect_assets.database.server import remove_server
from edreflect_assets.demo.home import DemoOptions, prepare_home
from edreflect_assets.errors import UsageError
from edreflect_assets.sample import DEFAULT_PROGRAMS, Sample
from edreflect_assets.sample.campus.programs import NO_COHORT
from edreflect_assets.sample.campus.system import TOO_LONG
from edreflect_assets.settings import Settings

# From a Wednesday to a Friday: at weekends little happens.
FRIDAY = date.today() - timedelta(days=(date.today().weekday() - 4) % 7)
SMALL = ["--orgs", "2", "--days", "3", "--educators", "5", "--students", "30", "--end-day", FRIDAY.isoformat()]
ORGS = Sample(orgs=2, days=3, educators=5).org_names
# Some views that do not depend on the reader's scope, and some of TimeBack that do.
OPEN = {"classes", "schools", "courses", "questions", "grades", "school_usage_stats"}
LEARNING = {"sessions", "attempts", "students_xp", "sessions_waste", "waste_insights", "placement_results"}
# What so few students need not have, least of all at weekends.
RARE = {
    "cheating_insights",
    "proctoring_insights",
    "recommendations",
    "sessions_cheating",
    "sessions_proctoring",
    "student_journals",
    "students_mastery",
    # from the offboarding product, which the demo's districts do not deliver
    "assignments",
    "evidence",
    "observation_completion",
    # what so few observations need not lead to
    "artifacts",
    "end_of_year_classifications",
    "feedback_turnaround",
    "feedback_turnaround_by_observer",
    "observer_ratings",
    "rater_agreement",
    "snapshots",
}
SECONDS = 1800


@pytest.fixture
def home() -> Iterator[Path]:
    """A home of the demo's own, not below pytest's directory, which the database server's account cannot reach."""
    directory = Path(tempfile.mkdtemp(prefix="edreflect-demo-"))
    directory.chmod(0o711)
    yield directory / "home"
    remove_server(Settings(home=directory / "home"))
    shutil.rmtree(directory)


def start(home: Path, *arguments: str) -> subprocess.Popen[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("EDREFLECT_")}
    return subprocess.Popen(
        [sys.executable, "-c", "from edreflect_assets.cli import main; main()", "demo", *SMALL, *arguments],
        # A database somebody else named must not be touched.
        env=environment
        | {"EDREFLECT_HOME": str(home), "EDREFLECT_DATABASE_URL": "postgresql://nobody@127.0.0.1:9/none"},
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def processes_of(home: Path) -> list[str]:
    """Return the command lines of processes that name the home, in their arguments or their environment."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            told = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
        except OSError:
            continue
        if str(home).encode() in told and process.name != str(os.getpid()):
            found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode())
    return found


needs_proc = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="looks for processes in /proc")


@pytest.mark.parametrize(
    ("end_day", "complaint"),
    [(date.max, "still to come"), (date(2020, 8, 12), "begin on 2020-08-08, before the first day")],
)
def test_days_that_cannot_be_played_are_refused_before_anything_happens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end_day: date, complaint: str
) -> None:
    monkeypatch.setenv("EDREFLECT_HOME", "")
    with pytest.raises(UsageError, match=complaint):
        prepare_home(DemoOptions(days=5, end_day=end_day), Settings(home=tmp_path / "home"))
    assert not (tmp_path / "home").exists()


def test_the_day_that_was_played_may_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDREFLECT_HOME", "")
    settings = Settings(home=tmp_path / "home")
    played = prepare_home(DemoOptions(end_day=FRIDAY), settings)
    (played.served / "old").mkdir(parents=True)
    for options in (DemoOptions(), DemoOptions(end_day=FRIDAY)):
        assert prepare_home(options, settings).sample == played.sample
        assert (played.served / "old").exists()
    another = FRIDAY - timedelta(days=7)
    assert prepare_home(DemoOptions(end_day=another), settings).sample.end_day == another
    assert not (played.served / "old").exists()


@needs_proc
def test_the_demo_shows_deliveries_views_and_scope_and_leaves_nothing_running(home: Path) -> None:
    shown, errors = start(home).communicate(timeout=SECONDS)
    assert errors == ""
    for org in ORGS:
        assert re.search(rf"^{org} +no day +16 ", shown, re.MULTILINE)
        assert len(re.findall(rf"^{org} +\d{{4}}-\d\d-\d\d +43 +[\d,]+ +\d+", shown, re.MULTILINE)) == 3
        partitions = re.findall(rf"^{org} +(\d{{4}}-\d\d-\d\d) +(\d\d) +([\d,]+) +(\d+)$", shown, re.MULTILINE)
        learned = {day: (int(files), int(rows.replace(",", ""))) for day, files, rows, _ in partitions if files != "43"}
        first = min(learned)
        served = {day.name: len(list(day.iterdir())) for day in (home / "demo" / "sftp" / org / "timeback").iterdir()}
        assert {day: files for day, (files, _) in learned.items()}.items() <= served.items()
        assert first == min(served)
        assert all(0 < rows < learned[first][1] for day, (_, rows) in learned.items() if day != first)
    kinds = re.findall(rf"^(?:{'|'.join(ORGS)}) +\d{{4}}-\d\d-\d\d +([a-z].*?) {{2,}}", shown, re.MULTILINE)
    assert len(kinds) == 6
    assert kinds[::3] == ["full", "full"]
    assert {"full and changes", "changes"} <= set(kinds) <= {"full", "full and changes", "changes", "no updates"}
    rows = re.findall(r"^analytics\.(\w+) +([\d,]+) +([\d,]+) +([\d,]+)$", shown, re.MULTILINE)
    seen = {view: tuple(int(number.replace(",", "")) for number in counts) for view, *counts in rows}
    assert {"observations", "educators", "students", "guides", "student_guides", *LEARNING} <= seen.keys()
    assert all(one + other == both for one, other, both in seen.values())
    assert all(one > 0 and other > 0 for view, (one, other, _) in seen.items() if view not in RARE)
    same = shown.partition("The same for every reader:\n")[2].partition("\n  Educators")[0]
    for_all = {view: int(number.replace(",", "")) for view, number in re.findall(r"(\w+) ([\d,]*\d)", same)}
    assert for_all.keys() >= OPEN
    assert not for_all.keys() & seen.keys()
    assert all(for_all.values())
    for view in ("observations", "students"):
        counted = [int(n) for n in re.findall(rf"from analytics.{view};  -- (\d+) rows?$", shown, re.MULTILINE)]
        assert counted[0] == seen[view][2]
        assert 0 < counted[1] <= seen[view][0]
        assert counted[2:] == [0, 0]
    assert re.search(r"guide_matched_by\): \d+ identifier", shown)
    assert re.search(r"^student +guide +class\n\S", shown, re.MULTILINE)
    assert re.search(r"^student +sessions +minutes .*\n\S.* \d+ +\d+ ", shown, re.MULTILINE)
    assert processes_of(home) == []
    check_cohorts(home, shown)

    [url] = re.findall(r"^  (postgresql://demo_analyst:\S+)$", shown, re.MULTILINE)
    ensure_server(Settings(home=home))
    with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
        cursor.execute("select count(*) from analytics.observations")
        assert cursor.fetchall() == [(seen["observations"][2],)]
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            cursor.execute("select count(*) from marts.observations")


def check_cohorts(home: Path, shown: str) -> None:
    """Check what was reported of programs, and that the commands for it still make sense when the ODS is gone."""
    plan = json.loads((home / "demo" / "plan.json").read_text())
    assert plan["end_day"] == FRIDAY.isoformat()
    sample = Sample(**plan["options"] | {"end_day": FRIDAY}, programs=DEFAULT_PROGRAMS)
    newest = {delivery.org: delivery.export for delivery in sample.campus()}
    ensure_server(Settings(home=home))
    with closing(connect(Settings(home=home))) as connection, connection.cursor() as cursor:
        for org in ORGS:
            assert len(re.findall(rf"^{org} +\d{{4}}-\d\d-\d\d +5 +\d+ +0$", shown, re.MULTILINE)) == 3
            cohorts = {
                row["program_id"]
                for row in newest[org]["programs.csv"]
                if row["program_category"] != NO_COHORT and row["program_id"] != TOO_LONG.id
            }
            files = ("program_participation.csv", "program_staff.csv")
            people = [sum(row["program_id"] in cohorts for row in newest[org][file]) for file in files]
            [told] = re.findall(rf"^{org} +(\d+) +(\d+) +(\d+) +(\d+)$", shown, re.MULTILINE)
            assert [int(number) for number in told] == [len(cohorts), *people, 3]
            cursor.execute(
                "select count(*) from edfi.identity_map where org_id = %s group by resource order by resource", [org]
            )
            # cohorts, staffCohortAssociations, studentCohortAssociations
            assert [number for (number,) in cursor.fetchall()] == [len(cohorts), people[1], people[0]]
            cursor.execute(
                """
                select count(*), count(distinct stay.participation_id) filter (where person.id is not null)
                from infinite_campus.program_participation as stay
                left join oneroster.one_roster_user as person
                    on person.org_id = stay.org_id and person.identifier = stay.student_unique_id
                where stay.org_id = %s
                """,
                [org],
            )
            [(stays, of_roster)] = cursor.fetchall()
            assert 0.8 * stays <= of_roster < stays
    assert "The ODS is test equipment and ends with the demo" in shown

    planned = edfi(home, "plan")
    assert (planned.returncode, planned.stderr) == (0, "")
    assert "its program is not in programs.csv" in planned.stdout
    published = edfi(home, "publish")
    assert (published.returncode, published.stdout) == (1, "")
    assert published.stderr == (
        f"org {ORGS[0]}, key_env: the environment variable EDREFLECT_DEMO_ODS_KEY is not set.\n"
    )


def edfi(home: Path, command: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("EDREFLECT_")}
    return subprocess.run(
        [sys.executable, "-c", "from edreflect_assets.cli import main; main()", "edfi", command, "--org", ORGS[0]],
        env=environment | {"EDREFLECT_HOME": str(home)},
        cwd="/",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@needs_proc
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "terminated"])
def test_an_interrupted_demo_leaves_nothing_running(home: Path, number: signal.Signals) -> None:
    process = start(home)
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("SFTP server on"):
            break
    assert any("postgres" in command for command in processes_of(home))
    process.send_signal(number)
    process.communicate(timeout=60)
    assert process.returncode == 130
    assert processes_of(home) == []


def test_the_demo_wants_a_home_without_real_districts(home: Path) -> None:
    home.mkdir()
    (home / "orgs.yml").write_text("orgs:\n  springfield: {}\n")
    process = start(home)
    shown, errors = process.communicate(timeout=60)
    assert (process.returncode, shown) == (2, "")
    assert len(errors.splitlines()) == 1
    assert "springfield" in (home / "orgs.yml").read_text()
