"""``edreflect status``: the state of every org at a glance."""

from __future__ import annotations

from datetime import date, datetime

import click

from edreflect_assets.cli.build import DAY
from edreflect_assets.cli.errors import TROUBLE
from edreflect_assets.cli.output import say, table
from edreflect_assets.cli.prepared import prepared_database
from edreflect_assets.cli.server import server_line
from edreflect_assets.database import server_status
from edreflect_assets.settings import Settings
from edreflect_assets.status import StatusRow, build_trouble, status_grid

NAMED_AT_MOST = 5


@click.command()
@click.option("--day", type=DAY, metavar="DAY", help="As it was at the end of DAY: later days are left out.")
@click.pass_context
def status(context: click.Context, day: datetime | None) -> None:
    """Show the server and the state of every org.

    Exit code 1 if anything needs a person: a day is missing, a delivery is refused or held, the last build failed.
    """
    settings = Settings.from_environment()
    with prepared_database(settings) as (connection, _):
        rows = status_grid(connection, settings, day.date() if day else None)
        trouble = build_trouble(connection)
    say(server_line(server_status(settings)))
    if not rows:
        say("No org is registered and nothing was loaded yet; `edreflect orgs add NAME` adds one.")
    else:
        columns = ["org", "feed", "last day", "gaps", "refused", "held", "quarantined", "pending", "note"]
        cells = [
            [row.org, row.feed, row.last_day, row.gaps, row.refused, row.held, row.quarantined, row.pending, row.note]
            for row in rows
        ]
        table(columns, cells, right=["gaps", "refused", "held", "quarantined", "pending"])
    for sentence in [*(sentence for row in rows for sentence in _advice(row)), *([trouble] if trouble else [])]:
        say(sentence)
    if trouble or any(row.needs_person for row in rows):
        context.exit(TROUBLE)


def _advice(row: StatusRow) -> list[str]:
    name = f"{row.org}, {row.feed}"
    sentences = []
    if row.gaps:
        sentences.append(
            f"{name}: missing {_days(row.missing_days)}; ask the org, then `edreflect run --org {row.org}`."
        )
    if row.held:
        sentences.append(
            f"{name}: held {_days(row.held_days)}, because much would end; `edreflect report oneroster {row.org} DAY "
            f"--report DIR` shows what, `edreflect approve oneroster {row.org} DAY` lets it through."
        )
    if row.refused:
        sentences.append(
            f"{name}: {row.refused} refused; `select day, file, reason from ops.loads where org_id = '{row.org}' and "
            "status = 'refused'` says why; a corrected delivery settles it."
        )
    return sentences


def _days(days: tuple[date, ...]) -> str:
    named = ", ".join(str(day) for day in days[:NAMED_AT_MOST])
    return f"{named} and {len(days) - NAMED_AT_MOST} more" if len(days) > NAMED_AT_MOST else named
