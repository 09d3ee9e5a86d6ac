"""``edreflect demo``."""

from __future__ import annotations

from datetime import datetime

import click

from edreflect_assets.cli.build import DAY
from edreflect_assets.demo import DemoOptions, run_demo


@click.command()
@click.option("--orgs", type=click.IntRange(1, 50), default=2, show_default=True, help="How many districts.")
@click.option("--days", type=click.IntRange(1, 366), default=5, show_default=True, help="How many days.")
@click.option("--educators", type=click.IntRange(3), default=40, show_default=True, help="How many per district.")
@click.option("--students", type=click.IntRange(1), default=300, show_default=True, help="How many per district.")
@click.option("--seed", type=int, default=1, show_default=True, help="Another seed, other districts.")
@click.option("--end-day", type=DAY, metavar="DAY", help="The last day (YYYY-MM-DD); the last weekday if not given.")
@click.option("--ui", is_flag=True, help="Keep Dagster's web UI running until Ctrl-C.")
def demo(*, orgs: int, days: int, educators: int, students: int, seed: int, end_day: datetime | None, ui: bool) -> None:
    """See everything at work on generated data, through Dagster.

    Starts the embedded Postgres, an SFTP server and a fake Ed-Fi ODS on loopback, fetches, loads, reconciles and publishes
    the exports, rosters and programs of generated districts, reports their cohorts, and shows what came of it. Nothing is left running. May be repeated; wants an EDREFLECT_HOME
    that holds no real districts.
    """
    last = end_day.date() if end_day else None
    run_demo(DemoOptions(orgs, days, educators, students, seed, last), ui=ui)
