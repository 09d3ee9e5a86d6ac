"""An installation that marked exports were taken through, with everything going wrong that can go wrong."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from marks import MARK, csv_of, dirty_lines, mark, mark_export, marked_row

from edreflect_assets.contracts import load_feeds
from edreflect_assets.database import connect
from edreflect_assets.orgs import add_org
from edreflect_assets.sample import Sample
from edreflect_assets.settings import Settings
from edreflect_assets.sftp_server import SftpServer, SftpUser

FEED = load_feeds()["edreflect"]
CAMPUS = load_feeds()["infinite_campus"]
SAMPLE = Sample(orgs=2, days=3, educators=4, seed=4, end_day=date(2026, 1, 7), dirty=False)
MAPLE, CEDAR = SAMPLE.org_names
DAYS = [day.isoformat() for day in SAMPLE.calendar]
LAST_DAY, BUG_DAY = "2026-01-08", "2026-01-09"
GOALS = list(FEED.files["Goals.csv"].column_names)

# Every logger of a process on stderr, and on request a bug of ours that quotes a delivered value.
SITE = f"""
import importlib, logging, os, sys
logging.basicConfig(level=logging.DEBUG, stream=sys.stderr)

def plant_bug(module, owner, name):
    def bug(*arguments, **more):
        try:
            int("{MARK[:4]}" "{MARK[4:]}-of-a-bug")
        except ValueError as error:
            raise RuntimeError("row " "{MARK[:4]}" "{MARK[4:]}-of-a-bug") from error
    found = importlib.import_module(module)
    setattr(getattr(found, owner) if owner else found, name, bug)

if os.environ.get("MARKED_BUG"):
    plant_bug(*os.environ["MARKED_BUG"].split(":"))
"""

# Reconciled tables, there before their models, that refuse rows: the server quotes a row, a key and a value.
BREAK = """
alter table edreflect.goals add constraint broken check (org_id is null);
create unique index broken on edreflect.user_subjects (left(employee_id, 4));
create function edreflect.broken() returns trigger language plpgsql as
$$ begin perform new.comment::integer; return new; end $$;
create trigger broken before insert on edreflect.observation_comments
for each row execute function edreflect.broken();
"""
BROKEN = ("goals", "user_subjects", "observation_comments")


@dataclass
class World:
    """The installation below ``root``; what each run printed and its exit code, by a name for what happened in it."""

    root: Path
    url: str
    outputs: dict[str, str] = field(default_factory=dict)
    codes: dict[str, int] = field(default_factory=dict)

    @property
    def settings(self) -> Settings:
        return Settings(home=self.root / "home")

    @property
    def served(self) -> Path:
        return self.root / "served"

    def edreflect(self, name: str, *arguments: str, **environment: str) -> None:
        """Run the command line with --debug."""
        self.python(name, "-c", "from edreflect_assets.cli import main; main()", *arguments, "--debug", **environment)

    def python(self, name: str, *arguments: str, **environment: str) -> None:
        done = subprocess.run(
            [sys.executable, *arguments],
            env=self._environment() | environment,
            cwd=self.root / "work",
            capture_output=True,
            check=False,
            timeout=300,
        )
        self.outputs[name] = (done.stdout + done.stderr).decode("utf-8", "surrogateescape")
        self.codes[name] = done.returncode

    def _environment(self) -> dict[str, str]:
        strange = ("EDREFLECT", "DAGSTER", "DBT", "PG")
        return {name: value for name, value in os.environ.items() if not name.startswith(strange)} | {
            "EDREFLECT_HOME": str(self.settings.home),
            "DAGSTER_HOME": str(self.settings.dagster_home),
            "MAPLE_PASSWORD": f"{MARK}-password",
            "CEDAR_PASSWORD": f"{MARK}-password",
            "HOME": str(self.root / "user"),
            "TMPDIR": str(self.root / "tmp"),
            "PYTHONPATH": str(self.root / "site"),
            "PYTHONWARNINGS": "default",
            "DBT_DEBUG": "true",
        }


def go_through_everything(world: World) -> None:
    """Load, build, look and fail, by command line and by Dagster."""
    for name in ("user", "tmp", "site", "work", "served"):
        (world.root / name).mkdir()
    (world.root / "site" / "sitecustomize.py").write_text(SITE)
    deliver(world.served)
    with SftpServer({"export": SftpUser(world.served, f"{MARK}-password")}) as server:
        register(world.settings, server)
        wrong = {"CEDAR_PASSWORD": f"{MARK}-wrong-password"}
        world.edreflect("refused files", "load", "--source", str(world.served), "--org", CEDAR)
        break_models(world.settings)
        world.edreflect("right and wrong password", "run", "--from", DAYS[0], "--to", DAYS[1], **wrong)
        script = str(Path(__file__).with_name("marked_dagster_runs.py"))
        world.python("Dagster", script, DAYS[2], LAST_DAY, BUG_DAY, MAPLE, CEDAR, **wrong)
    world.edreflect("status", "status")
    world.edreflect("a bug in loading", "load", "--again", MARKED_BUG="edreflect_assets.loading.ledger:Ledger:record")
    world.edreflect("a crash", "status", MARKED_BUG="edreflect_assets.status::status_grid")
    password = world.url.partition("@")[0].rpartition(":")[2]
    elsewhere = world.url.replace(password, f"{MARK}-database-password")
    world.edreflect("wrong database password", "build", EDREFLECT_DATABASE_URL=elsewhere)


def break_models(settings: Settings) -> None:
    """Have three models fail in the database, each in its own way, on whatever rows they bring."""
    with closing(connect(settings)) as connection, connection, connection.cursor() as cursor:
        for table in BROKEN:
            columns = ", ".join(f"{column.name} {column.data_type}" for column in FEED.tables[table].columns)
            provenance = "_day date, _source text, _unmapped text[]"
            cursor.execute(f"create table edreflect.{table} (org_id text, {columns}, {provenance})")
        cursor.execute(BREAK)


def register(settings: Settings, server: SftpServer) -> None:
    """Add the orgs: all of maple's dirty records are set aside, cedar's refuse their day."""
    for org, variable, share in ((MAPLE, "MAPLE_PASSWORD", 1.0), (CEDAR, "CEDAR_PASSWORD", 0.05)):
        add_org(
            settings,
            org,
            host=server.host,
            port=server.port,
            user="export",
            password_env=variable,
            host_key=server.host_key,
            stable_seconds=0,
            max_rejected_share=share,
        )


def deliver(root: Path) -> None:
    """Write good and dirty days of marks, and those that must be refused."""
    SAMPLE.generate(root)
    mark_export(FEED, root)
    for file in ("User_Accounts.csv", "User_Modified.csv", "Goals.csv", "Observations.csv"):
        with folder(root, MAPLE, DAYS[1]).joinpath(file).open("ab") as stream:
            stream.write(dirty_lines(FEED, file))
    questions = list(FEED.files["Goals_Questions.csv"].column_names)
    content = csv_of([[*questions, "home_phone"], [*marked_row(FEED, "Goals_Questions.csv"), mark()]])
    (folder(root, MAPLE, DAYS[1]) / "Goals_Questions.csv").write_bytes(content)

    (folder(root, MAPLE, BUG_DAY) / "Goals.csv").write_bytes(csv_of([GOALS, marked_row(FEED, "Goals.csv")]))

    deliver_programs(root / MAPLE / "infinite_campus" / DAYS[1])
    for file in ("Private_Notes.csv", "Observation_Survey.csv"):
        (folder(root, CEDAR, LAST_DAY) / file).write_bytes(csv_of([["note"], [mark()]]))
    for day, content in refused_files().items():
        (folder(root, CEDAR, day) / "Goals.csv").write_bytes(content)


def deliver_programs(directory: Path) -> None:
    """Write a program, and stays in it that are wrong in every way."""
    directory.mkdir(parents=True)
    program = marked_row(CAMPUS, "programs.csv", program_category="Cohort")
    for file, rows in {"programs.csv": [program], "program_participation.csv": []}.items():
        (directory / file).write_bytes(csv_of([list(CAMPUS.files[file].column_names), *rows]))
    with (directory / "program_participation.csv").open("ab") as stream:
        stream.write(csv_of([marked_row(CAMPUS, "program_participation.csv", program_id=program[0])]))
        stream.write(dirty_lines(CAMPUS, "program_participation.csv"))


def refused_files() -> dict[str, bytes]:
    """Return, by day, files that refuse it: with too many bad records, or with marks where a header should be."""
    row = [*marked_row(FEED, "Goals.csv"), mark()]
    half_open = f'{",".join(GOALS)},"notes\n'.encode()
    files = [
        csv_of([GOALS]) + dirty_lines(FEED, "Goals.csv"),
        csv_of([marked_row(FEED, "Goals.csv") for _ in range(3)]),
        csv_of([[*GOALS, "x" * 64], row]),
        csv_of([[*GOALS, GOALS[0]], row]),
        half_open + csv_of([row]),
        half_open + f'{mark()}",{mark()}\n{mark()},{mark()}\n'.encode(),
        b"\xff\xfe" + csv_of([GOALS, row]).decode("ascii", "replace").encode("utf-16-le"),
    ]
    return {f"2026-01-{day}": content for day, content in enumerate(files, start=10)}


def folder(root: Path, org: str, day: str) -> Path:
    path = root / org / "export" / day
    path.mkdir(parents=True, exist_ok=True)
    return path
