"""``edreflect approve``: let a held package through."""

from __future__ import annotations

from datetime import datetime

import click

from edreflect_assets.cli.build import DAY
from edreflect_assets.cli.output import say
from edreflect_assets.cli.prepared import prepared_database
from edreflect_assets.contracts import load_feeds
from edreflect_assets.roster.approval import approve as approve_package
from edreflect_assets.settings import Settings


@click.group()
def approve() -> None:
    """Let through what the platform holds until a person has looked at it."""


@approve.command()
@click.argument("org")
@click.argument("day", type=DAY)
def oneroster(org: str, day: datetime) -> None:
    """Let the roster package of ORG and DAY end the records it does not hold any more.

    A package that would end more than a fifth of an org's active records of one file, and at least 20, is held. The
    approval is recorded with your name and holds for these very files; other files of that day need another one.
    """
    with prepared_database(Settings.from_environment()) as (connection, _):
        approval = approve_package(connection, load_feeds()["oneroster"], org, day.date())
    package = approval.package
    name = f"The package of {package.org_id}, {package.day}"
    say(f"{name} ends {package.would_end}.")
    verb = "Approved" if approval.is_new else "It was approved before"
    say(f"{verb} by {approval.approved_by}; the next `edreflect build` applies it.")
