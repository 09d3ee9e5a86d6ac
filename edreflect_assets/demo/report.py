"""Prints the demo's summary."""

from __future__ import annotations

import sys
from itertools import groupby
from pathlib import Path

from edreflect_assets.cli.output import plural, say, table
from edreflect_assets.demo.home import DemoHome
from edreflect_assets.demo.pipeline import Checks
from edreflect_assets.demo.summary import (
    ANALYST,
    EXAMPLE,
    DeliverySummary,
    deliveries,
    make_analyst,
    organization_ids,
    scoped_counts,
    view_rows,
)
from edreflect_assets.settings import DEFAULT_HOME, HOME_VARIABLE

# More days than these are summed up by org.
DAYS_SHOWN = 10
ORGS_SHOWN = 4
FINDINGS_SHOWN = 6


def print_summary(home: DemoHome, checks: Checks, *, seconds: float) -> None:
    """Print what was delivered, what is published, and what the scope setting does."""
    orgs = home.sample.org_names
    say()
    say("Delivered, as the ledger has it (ops.loads):")
    _print_deliveries(deliveries(home.settings), home)
    say()
    say(f"Checks: {checks.number - len(checks.found)} of {checks.number} passed. The others found:")
    for name, text in checks.found[:FINDINGS_SHOWN]:
        say(f"  {name}: {_shortened(text)}")
    if len(checks.found) > FINDINGS_SHOWN:
        say(f"  and {len(checks.found) - FINDINGS_SHOWN} more, which the web UI shows")
    url = make_analyst(home.settings, orgs)
    ids = organization_ids(home.settings, orgs)
    say()
    _print_views(url, ids)
    say()
    _print_scope(url, ids)
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


def _print_views(url: str, ids: dict[str, str]) -> None:
    shown = list(ids)[:ORGS_SHOWN] if len(ids) > 1 else []
    scopes = [*(ids[org] for org in shown), ",".join(ids.values())]
    say(f"Published views and their rows{f', for {ORGS_SHOWN} orgs and for all' if len(ids) > ORGS_SHOWN else ''}:")
    heads = [*shown, "all" if len(ids) > 1 else next(iter(ids))]
    table(
        ["view", *heads],
        [[f"analytics.{view}", *counts] for view, counts in view_rows(url, scopes).items()],
        right=heads,
    )


def _print_scope(url: str, ids: dict[str, str]) -> None:
    first = next(iter(ids))
    say(f"What the scope setting does, as {ANALYST}, who was granted {plural(len(ids), 'org')}:")
    scopes: dict[str, str | None] = {
        "": None,
        f"set app.allowed_org_ids = '{ids[first]}';  -- {first}\n": ids[first],
        "set app.allowed_org_ids = '';\n": "",
        "set app.allowed_org_ids = '00000000-0000-0000-0000-000000000000';  -- granted to nobody\n": "0" * 8
        + "-0000" * 3
        + "-"
        + "0" * 12,
    }
    for (setting, _), number in zip(scopes.items(), scoped_counts(url, list(scopes.values())), strict=True):
        for line in f"{setting}{EXAMPLE};  -- {plural(number, 'row')}".splitlines():
            say(f"  {line}")


def _shortened(text: str, length: int = 200) -> str:
    line = " ".join(text.split())
    return line if len(line) <= length else f"{line[: length - 3]}..."
