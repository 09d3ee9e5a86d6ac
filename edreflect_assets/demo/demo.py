"""The demo from beginning to end; whatever happens, nothing it started is left behind."""

from __future__ import annotations

import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager

from edreflect_assets.cli.output import say, steps
from edreflect_assets.contracts import load_feeds
from edreflect_assets.database import connect, ensure_server, migrate, server_status, stop_server
from edreflect_assets.demo import report
from edreflect_assets.demo.cohorts import registry_entry, reported, state_ods
from edreflect_assets.demo.home import DemoHome, DemoOptions, prepare_home
from edreflect_assets.demo.interrupts import Interrupts
from edreflect_assets.demo.pipeline import Checks, Pipeline
from edreflect_assets.demo.web import wait_for_interrupt, web_ui
from edreflect_assets.fake_ods import FakeOds
from edreflect_assets.orgs import add_org, load_registry, pause_org, remove_org, sync_orgs
from edreflect_assets.sample.campus import FEED as CAMPUS
from edreflect_assets.sample.deliveries import TIMEBACK_FEED as TIMEBACK
from edreflect_assets.sample.rosters.packages import FEED as ROSTERS
from edreflect_assets.sample.source_system import FEED as EXPORTS
from edreflect_assets.settings import Settings
from edreflect_assets.sftp_server import SftpServer, SftpUser

PASSWORD_VARIABLE = "EDREFLECT_DEMO_SFTP_PASSWORD"  # noqa: S105 - a variable's name
# The generated files do not change while they are served.
STABLE_SECONDS = "0"


def run_demo(options: DemoOptions, *, ui: bool = False) -> None:
    """Play the demo, print what happens and a summary; with ``ui`` keep the web UI running until Ctrl-C.

    Changes the environment of this process: EDREFLECT_HOME, no EDREFLECT_DATABASE_URL, the SFTP password, and key and
    secret of the ODS.
    Raises UsageError when the home is not the demo's alone, EdreflectError when a run failed, KeyboardInterrupt.
    """
    begun = time.monotonic()
    home = prepare_home(options, Settings.from_environment())
    was_running = server_status(home.settings).running
    with Interrupts() as interrupts, ExitStack() as stack:
        stack.callback(interrupts.ignore)
        stack.enter_context(_database(home.settings, was_running))
        server = stack.enter_context(_sftp_server(home))
        ods = stack.enter_context(state_ods(home))
        stack.enter_context(_registered(home, server, ods))
        pipeline = _loaded(home, interrupts)
        # Called early when it is not needed any more; closing it twice is no harm.
        stack.callback(pipeline.close)
        checks = _play(home, pipeline)
        with _said("Reporting cohorts to the state's ODS"):
            for org in home.sample.org_names:
                pipeline.report_cohorts(org)
        pipeline.close()
        report.print_summary(home, checks, reported(home, ods), seconds=time.monotonic() - begun)
        if ui:
            with _said("Starting Dagster's web UI"):
                address = stack.enter_context(web_ui(home.settings, interrupts))
            say(f"Web UI: {address}. SFTP server, ODS, database and schedules go on until Ctrl-C.")
            wait_for_interrupt(interrupts)
            stack.callback(say, "Stopped.")
    report.print_goodbye(home, was_running=was_running)


def _play(home: DemoHome, pipeline: Pipeline) -> Checks:
    """Deliver, load and build twice: what comes first, then what comes late or corrected."""
    sample, feeds = home.sample, load_feeds()
    of_days = [feeds[EXPORTS], feeds[ROSTERS], feeds[TIMEBACK], feeds[CAMPUS]]
    for org in sample.org_names:
        days = f"{sample.calendar[0]} to {sample.calendar[-1]}"
        with _said(f"Fetching and loading {org}: exports, rosters, TimeBack and programs, {days}"):
            pipeline.ingest(feeds[EXPORTS], org, [None])
            for feed in of_days:
                pipeline.ingest(feed, org, sample.calendar)
    with _said("Building: reconcile, publish, check"):
        checks = pipeline.build()
    later = [*sample.late_days, *sample.corrected_days]
    if not later:
        return checks
    report.print_held(home)
    sample.corrections(home.served)
    for what, deliveries in (("late", sample.late_days), ("corrected", sample.corrected_days)):
        for org, day in deliveries:
            with _said(f"Fetching and loading what is {what}: {org}, {day}"):
                for feed in of_days:
                    pipeline.ingest(feed, org, [day])
    with _said("Building what these change"):
        return pipeline.build()


def _loaded(home: DemoHome, interrupts: Interrupts) -> Pipeline:
    with _said("Loading Dagster and the dbt project"):
        return Pipeline(home.settings, home.sample.org_names, interrupts)


@contextmanager
def _database(settings: Settings, was_running: bool) -> Iterator[None]:
    """Have the embedded Postgres run, migrated; unless it was running before, it is stopped afterwards."""
    try:
        with _said("Starting Postgres"):
            ensure_server(settings)
            with closing(connect(settings)) as connection:
                migrate(connection)
        yield
    finally:
        if not was_running:
            stop_server(settings)


@contextmanager
def _sftp_server(home: DemoHome) -> Iterator[SftpServer]:
    """Serve the generated exports on loopback, the late day not there yet and the corrected one still wrong."""
    sample = home.sample
    with _said(f"Generating what {len(sample.org_names)} districts deliver in {len(sample.calendar)} days"):
        shutil.rmtree(home.served, ignore_errors=True)
        sample.generate(home.served, hold_back=True)
    password = os.environ[PASSWORD_VARIABLE] = secrets.token_urlsafe(24)
    users = {org: SftpUser(home.served, password) for org in sample.org_names}
    with SftpServer(users) as server:
        say(f"SFTP server on 127.0.0.1:{server.port}, host key {server.fingerprint}.")
        yield server


@contextmanager
def _registered(home: DemoHome, server: SftpServer, ods: FakeOds) -> Iterator[None]:
    """Have the orgs in the registry, with the server's key pinned and the ODS; afterwards paused, as both are gone."""
    settings, orgs = home.settings, home.sample.org_names
    for org in set(load_registry(settings)):
        remove_org(settings, org)
    for org in orgs:
        add_org(
            settings,
            org,
            host=server.host,
            port=str(server.port),
            user=org,
            password_env=PASSWORD_VARIABLE,
            host_key=server.host_key,
            stable_seconds=STABLE_SECONDS,
            expect={"days": "weekdays"},
            edfi=registry_entry(home, ods, org),
        )
    try:
        with closing(connect(settings)) as connection:
            sync_orgs(connection, load_registry(settings))
        yield
    finally:
        for org in orgs:
            pause_org(settings, org)


@contextmanager
def _said(what: str) -> Iterator[None]:
    """Show what is being done, and afterwards how long it took."""
    begun = time.monotonic()
    with steps(what):
        yield
    say(f"{what} ({time.monotonic() - begun:.1f} s)")
