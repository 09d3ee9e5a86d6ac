"""``edreflect scope grant | revoke | list``: which login role sees which organizations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

from edreflect_assets import access
from edreflect_assets.cli.output import say, table
from edreflect_assets.cli.prepared import prepared_database
from edreflect_assets.settings import Settings

Command = Callable[..., Any]


@click.group()
def scope() -> None:
    """Who may see which organizations.

    ROLE is a login role of the database that exists already. ORG is a name of the registry (all its organizations), an
    organization id (a uuid), or `*` (everything, for whoever sets app.allowed_org_ids to `*`).
    """


def _what(verb: str) -> Callable[[Command], Command]:
    def decorate(command: Command) -> Command:
        for option in (
            click.option(
                "--gateway", is_flag=True, help=f"{verb} being trusted to set app.allowed_org_ids to any org."
            ),
            click.option(
                "--default", is_flag=True, help=f"{verb} a setting of the role's own, so that it needs no SET."
            ),
            click.option("--evaluation", is_flag=True, help=f"{verb} the EdReflect views (observations, ratings)."),
        ):
            command = option(command)
        return command

    return decorate


@scope.command()
@click.argument("role")
@click.argument("orgs", nargs=-1, metavar="ORG...")
@_what("Also grant")
def grant(role: str, orgs: tuple[str, ...], evaluation: bool, default: bool, gateway: bool) -> None:
    """Let ROLE see the organizations of each ORG."""
    with prepared_database(Settings.from_environment()) as (connection, _):
        access.grant_scope(connection, role, orgs, evaluation=evaluation, default=default, gateway=gateway)
        [granted] = [found for found in access.list_scope(connection) if found.role == role]
    say(f"{role} sees {_sees(granted)}{_ways(granted)}.")


@scope.command()
@click.argument("role")
@click.argument("orgs", nargs=-1, metavar="[ORG]...")
@_what("Take back")
def revoke(role: str, orgs: tuple[str, ...], evaluation: bool, default: bool, gateway: bool) -> None:
    """Take back what is named from ROLE; everything if nothing is named."""
    with prepared_database(Settings.from_environment()) as (connection, _):
        access.revoke_scope(connection, role, orgs, evaluation=evaluation, default=default, gateway=gateway)
        left = [found for found in access.list_scope(connection) if found.role == role]
    say(f"{role} sees {_sees(left[0])}{_ways(left[0])}." if left else f"{role} sees nothing any more.")


@scope.command("list")
def list_scopes() -> None:
    """List what each role was granted."""
    with prepared_database(Settings.from_environment()) as (connection, _):
        scopes = access.list_scope(connection)
    if not scopes:
        say("Nobody was granted anything yet; `edreflect scope grant ROLE ORG...` does.")
        return
    rows = [
        [
            found.role,
            "*" if found.unrestricted else "",
            ", ".join(found.names),
            len(found.organizations),
            *("yes" if flag else "" for flag in (found.evaluation, found.default, found.gateway)),
        ]
        for found in scopes
    ]
    columns = ["role", "everything", "orgs by name", "organizations", "evaluation", "default", "gateway"]
    table(columns, rows, right=["organizations"])
    for found in scopes:
        if found.unresolved:
            say(
                f"{found.role}: no people are shown under {', '.join(found.unresolved)}, which no roster or those of several"
                " tenants have; granting the registry name decides between tenants."
            )


def _sees(scope: access.Scope) -> str:
    if scope.unrestricted:
        return "everything, when it asks for it"
    number = len(scope.organizations)
    organizations = f"{number} organization{'' if number == 1 else 's'}"
    return f"{organizations} ({', '.join(scope.names)})" if scope.names else organizations


def _ways(scope: access.Scope) -> str:
    views = "with the EdReflect views" if scope.evaluation else "without the EdReflect views (--evaluation adds them)"
    set_by = "set by default" if scope.default else "once it sets app.allowed_org_ids (--default does)"
    gateway = ", trusted to set any scope" if scope.gateway else ""
    return f", {views}, {set_by}{gateway}"
