"""Prints the demo's summary."""

from __future__ import annotations

import sys
from itertools import groupby
from pathlib import Path
from textwrap import wrap

from edreflect_assets.cli.output import plural, say, table
from edreflect_assets.demo.cohorts import CohortSummary
from edreflect_assets.demo.examples import LEARNING_QUERY, STUDENTS_QUERY, shown
from edreflect_assets.demo.home import DemoHome
from edreflect_assets.demo.pipeline import Checks
from edreflect_assets.demo.rosters import (
    PackageSummary,
    educators_matched,
    held,
    largest_school,
    packages,
    rosters,
)
from edreflect_assets.demo.summary import (
    ANALYST,
    DeliverySummary,
    deliveries,
    make_analyst,
    open_view_rows,
    organization_ids,
    scoped_counts,
    scopes_of,
    view_rows,
)
from edreflect_assets.sample.campus import FEED as CAMPUS_FEED
from edreflect_assets.sample.deliveries import TIMEBACK_FEED
from edreflect_assets.sample.source_system import FEED as EXPORTS
from edreflect_assets.settings import DEFAULT_HOME, HOME_VARIABLE

# More days than these are summed up by org.
DAYS_SHOWN = 10
ORGS_SHOWN = 4
FINDINGS_SHOWN = 6
LINE = 110


def print_held(home: DemoHome) -> None:
    """Print which packages the first build holds back."""
    for package in held(home.settings):
        say(f"Held: the roster of {package.org_id}, {package.day}, would end {package.would_end}.")
        say("  It changes nothing; `edreflect approve` would let it through, a corrected delivery settles it.")


def print_summary(home: DemoHome, checks: Checks, cohorts: list[CohortSummary], *, seconds: float) -> None:
    """Print what was delivered, what was reported, what is published, and what the scope setting does."""
    orgs = home.sample.org_names
    say()
    say("EdReflect exports, as the ledger has them (ops.loads):")
    _print_deliveries(deliveries(home.settings, EXPORTS), home)
    say()
    say("Rosters and what they changed (oneroster.sync_report):")
    _print_packages(packages(home.settings), home)
    for now in rosters(home.settings, orgs[:ORGS_SHOWN]):
        holds = (
            f"{now.people:,} people, {now.schools:,} schools, {now.classes:,} classes, {now.enrollments:,} enrollments"
        )
        say(f"  {now.org} now: {holds}")
    say()
    say("TimeBack's tables, as the ledger has them; the first day brings what later days refer to:")
    _print_deliveries(deliveries(home.settings, TIMEBACK_FEED), home)
    say()
    say("Infinite Campus's programs, as the ledger has them; each day brings all of them:")
    _print_deliveries(deliveries(home.settings, CAMPUS_FEED), home)
    say()
    _print_cohorts(cohorts)
    say()
    say(f"Checks: {checks.number - len(checks.found)} of {checks.number} passed. The others found:")
    for name, text in checks.found[:FINDINGS_SHOWN]:
        say(f"  {name}: {_shortened(text)}")
    if len(checks.found) > FINDINGS_SHOWN:
        say(f"  and {len(checks.found) - FINDINGS_SHOWN} more, which the web UI shows")
    url = make_analyst(home.settings, orgs)
    ids = organization_ids(home.settings, orgs)
    say()
    _print_views(url, scopes_of(home.settings, orgs))
    matched = ", ".join(f"{number:,} {how}" for how, number in educators_matched(url))
    say(f"  Educators found in the rosters (educators.guide_matched_by): {matched}")
    say()
    _print_scope(url, ids)
    say()
    _print_students(url, home)
    say()
    say(f"An analyst's login, read-only, granted by `edreflect scope grant {ANALYST} ORG... --evaluation --default`:")
    say(f"  {url}")
    say(f"Done in {seconds:.0f} s.")


def print_goodbye(home: DemoHome, *, was_running: bool) -> None:
    """Say what is left and how to look further."""
    command = _command(home)
    say("Postgres is running as it was before." if was_running else "Nothing is left running; the data are kept.")
    for arguments, what in (
        ("up", "starts the database, for the analyst's URL above"),
        ("db-url", "shows the owner's URL; should the port have changed, it is the analyst's, too"),
        ("status", "shows every org; these are paused, as their SFTP server is gone"),
        ("demo --ui", "plays it again and keeps Dagster's web UI running"),
        ("down", "stops the database"),
    ):
        say(f"  {command} {arguments:<10} {what}")


def _command(home: DemoHome) -> str:
    """Return how ``edreflect`` is called here for this home."""
    program = Path(sys.executable).with_name("edreflect")
    here = Path.cwd()
    shown = program.relative_to(here) if program.is_relative_to(here) else program
    default = home.settings.home == here / DEFAULT_HOME
    return str(shown) if default else f"{HOME_VARIABLE}={home.settings.home} {shown}"


def _print_deliveries(found: list[DeliverySummary], home: DemoHome) -> None:
    by_day = len(home.sample.calendar) <= DAYS_SHOWN
    rows: list[list[object]] = []
    for org, group in groupby(found, key=lambda delivery: delivery.org):
        listed = list(group)
        if by_day:
            rows += [[org, d.day or "no day", d.files, d.rows, d.quarantined, _note(d, home)] for d in listed]
            continue
        days = [delivery for delivery in listed if delivery.day]
        for what, part in ((f"{len(days)} days", days), ("no day", [d for d in listed if not d.day])):
            totals = [sum(getattr(d, name) for d in part) for name in ("files", "rows", "quarantined")]
            rows.append(
                [
                    org,
                    what,
                    *totals,
                    ", ".join(f"{d.day} {note}" if d.day else note for d in part if (note := _note(d, home))),
                ]
            )
    table(["org", "day", "files", "rows", "quarantined", ""], rows, right=["files", "rows", "quarantined"])


def _note(delivery: DeliverySummary, home: DemoHome) -> str:
    if delivery.day is None:
        return "id maps"
    if (delivery.org, delivery.day) in home.sample.late_days:
        return "came late"
    return "delivered again, corrected" if delivery.corrected else ""


def _print_packages(found: list[PackageSummary], home: DemoHome) -> None:
    numbers = ["records", "added", "changed", "ended", "set aside"]
    shown = (
        found
        if len(home.sample.calendar) <= DAYS_SHOWN
        else [package for package in found if _roster_note(package, home)]
    )
    table(
        ["org", "day", "package", *numbers, ""],
        [
            [p.org, p.day, p.kind, p.records, p.added, p.changed, p.ended, p.rejected, _roster_note(p, home)]
            for p in shown
        ],
        right=numbers,
    )
    if len(shown) < len(found):
        say(f"  and {plural(len(found) - len(shown), 'package')} more")


def _roster_note(package: PackageSummary, home: DemoHome) -> str:
    if (package.org, package.day) in home.sample.late_days:
        return "came late"
    return "cut off at first" if (package.org, package.day) in home.sample.corrected_days else ""


def _print_cohorts(found: list[CohortSummary]) -> None:
    say("What the state's Ed-Fi ODS holds of the districts' cohorts, and the records that could not be sent to it:")
    numbers = ["cohorts", "students", "staff", "not sendable"]
    table(
        ["org", *numbers],
        [[each.org, each.cohorts, each.students, each.staff, each.not_sendable] for each in found],
        right=numbers,
    )
    say(
        "  `edreflect edfi plan --org NAME` names them, with the reason. The ODS is test equipment and ends with the demo;"
    )
    say('  how to report to a real one stands in README.md, "Reporting cohorts to the state".')


def _print_views(url: str, scope_of: dict[str, str]) -> None:
    shown = list(scope_of)[:ORGS_SHOWN] if len(scope_of) > 1 else []
    scopes = [*(scope_of[org] for org in shown), ",".join(scope_of.values())]
    some = f", for {ORGS_SHOWN} orgs and for all" if len(scope_of) > ORGS_SHOWN else ""
    say(f"Published views that depend on the reader, and their rows{some}:")
    heads = [*shown, "all" if len(scope_of) > 1 else next(iter(scope_of))]
    table(
        ["view", *heads],
        [[f"analytics.{view}", *counts] for view, counts in view_rows(url, scopes).items()],
        right=heads,
    )
    say("The same for every reader:")
    same = ", ".join(f"{view} {number:,}" for view, number in open_view_rows(url).items())
    for line in wrap(same, LINE):
        say(f"  {line}")


def _print_scope(url: str, ids: dict[str, str]) -> None:
    first = next(iter(ids))
    say(f"What the scope setting does, as {ANALYST}, who was granted {plural(len(ids), 'org')}:")
    _print_counts(url, "observations", f"{first}", ids[first])


def _print_counts(url: str, view: str, whose: str, scope: str) -> None:
    """Print how many rows of a view are seen in the login's own scope, in one of its scopes, in none and in a foreign one."""
    nobody = "00000000-0000-0000-0000-000000000000"
    scopes: dict[str, str | None] = {
        "": None,
        f"set app.allowed_org_ids = '{scope}';  -- {whose}\n": scope,
        "set app.allowed_org_ids = '';\n": "",
        f"set app.allowed_org_ids = '{nobody}';  -- granted to nobody\n": nobody,
    }
    for (setting, _), number in zip(scopes.items(), scoped_counts(url, view, list(scopes.values())), strict=True):
        for line in f"{setting}select count(*) from analytics.{view};  -- {plural(number, 'row')}".splitlines():
            say(f"  {line}")


def _print_students(url: str, home: DemoHome) -> None:
    org = home.sample.org_names[0]
    school = largest_school(home.settings, org)
    if school is None:
        return
    say(f"The same for students, in the scope of one school, {school[1]}:")
    _print_counts(url, "students", school[1], school[0])
    for query in (STUDENTS_QUERY, LEARNING_QUERY):
        say(f"  set app.allowed_org_ids = '{school[0]}';")
        for line in query.splitlines():
            say(f"  {line}")
        columns, rows = shown(url, school[0], query)
        table(columns, rows, right=columns[1:] if query is LEARNING_QUERY else [])


def _shortened(text: str, length: int = 200) -> str:
    line = " ".join(text.split())
    return line if len(line) <= length else f"{line[: length - 3]}..."
