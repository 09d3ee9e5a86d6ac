"""The command ``edreflect`` itself: which commands there are, and what an error looks like."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any, NoReturn

import click

from edreflect_assets.cli.errors import DEBUG, describe, exit_code

# Command -> module and function, and the line in the overview; a test compares it with the command's own.
COMMANDS = {
    "demo": ("demo:demo", "See everything at work on generated data, through Dagster."),
    "sample": ("sample:sample", "Write generated exports to a folder, laid out as on an SFTP server."),
    "up": ("server:up", "Start the embedded Postgres and prepare the database."),
    "down": ("server:down", "Stop the embedded Postgres."),
    "db-url": ("server:db_url", "Print the database's URL, password included, and nothing else."),
    "orgs": ("orgs:orgs", "The org registry: who delivers, and from where."),
    "run": ("load:run", "Fetch over SFTP as registered, load, and build."),
    "load": ("load:load", "Load deliveries from a folder instead of SFTP."),
    "build": ("build:build", "Apply all pending loads and publish."),
    "validate": ("validate:validate", "Judge files before they are delivered."),
    "approve": ("approve:approve", "Let through what the platform holds until a person has looked at it."),
    "report": ("report:report", "Write reports of what was delivered."),
    "offboarding": ("offboarding:offboarding", "Tell whether all of a leaving client is here."),
    "edfi": ("edfi:edfi", "Keep a state's Ed-Fi ODS in step with the cohorts of a district."),
    "catalog": ("catalog:catalog", "Write a site that documents the published views."),
    "status": ("status:status", "Show the server and the state of every org."),
    "export": ("export:export", "Hand on what the platform holds."),
    "scope": ("scope:scope", "Who may see which organizations."),
}


class Edreflect(click.Group):
    """Imports a command's module when it is called, and turns every error into one line and an exit code."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands in the order of a first use."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return a command."""
        if cmd_name not in COMMANDS:
            return None
        module, _, function = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(import_module(f"edreflect_assets.cli.{module}"), function)
        return _with_debug(command)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the overview without importing a command."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])

    def main(  # type: ignore[override] # click's overloads differ in standalone_mode only
        self, args: Sequence[str] | None = None, prog_name: str | None = None, **extra: Any
    ) -> NoReturn:
        """Run and exit; nothing is raised but SystemExit."""
        debug = {"on": DEBUG in (sys.argv[1:] if args is None else args)}
        try:
            code = super().main(args, prog_name or "edreflect", **{**extra, "standalone_mode": False})
            sys.stdout.flush()
        except BrokenPipeError:
            # The reader has gone (`edreflect status | head`); Python would complain again while it exits.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(1)
        except (Exception, KeyboardInterrupt) as error:
            for line in describe(error, debug=debug["on"]):
                click.echo(line, err=True)
            sys.exit(exit_code(error))
        sys.exit(code if isinstance(code, int) else 0)


def _with_debug(command: click.Command) -> click.Command:
    """Give a command, and those below it, the option --debug, which may stand anywhere on the line."""
    if not any(DEBUG in parameter.opts for parameter in command.params):
        command.params.append(_debug_option())
    for inner in getattr(command, "commands", {}).values():
        _with_debug(inner)
    return command


def _debug_option() -> click.Option:
    return click.Option([DEBUG], is_flag=True, expose_value=False, help="Show where an error arose.")


@click.command(
    cls=Edreflect,
    params=[_debug_option()],
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog="State lives in EDREFLECT_HOME (default: .edreflect in the current directory). EDREFLECT_DATABASE_URL names a "
    "Postgres to use instead of the embedded one.",
)
@click.version_option(package_name="edreflect-platform")
def main() -> None:
    """Fetch districts' daily EdReflect exports, reconcile them, and publish org-scoped Postgres views."""
