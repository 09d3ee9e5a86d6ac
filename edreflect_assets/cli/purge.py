"""``edreflect orgs purge``: delete an org for good."""

from __future__ import annotations

import os
from pathlib import Path

import click

from edreflect_assets.cli.errors import TROUBLE
from edreflect_assets.cli.output import complain, say
from edreflect_assets.files import replace_text
from edreflect_assets.purge import Purge, Traces
from edreflect_assets.settings import Settings


@click.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Delete. Without it nothing is deleted, only counted.")
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Write the record to FILE, too."
)
@click.option(
    "--keep-readers-going",
    is_flag=True,
    help="Do not rewrite tables: readers never wait, and bytes of deleted rows stay in free space for a while.",
)
@click.pass_context
def purge(context: click.Context, name: str, *, yes: bool, out: Path | None, keep_readers_going: bool) -> None:
    """Delete everything of an org, at a contract's end, and print a record to be signed.

    Landed files, every row, grants, the registry's entry, Dagster's partition and runs. It cannot be undone. The record is
    the only trace that is kept, so keep it. What was interrupted is finished by purging again. Other orgs, of the same
    tenant too, keep what they have. Exit code 1 without --yes.
    """
    settings = Settings.from_environment()
    if out is not None and not out.absolute().parent.is_dir():
        raise click.BadParameter(f"{out.absolute().parent} is no folder.", param_hint="--out")
    job = Purge(
        settings,
        name,
        traces=_traces(settings),
        rewrite=not keep_readers_going,
        on_step=lambda step: complain(f"Purging {name}: {_STEPS[step]}"),
    )
    if not yes:
        found = job.look()
        say(f"The platform has of {found.org_id}:")
        for line in found.lines:
            say(line)
        say(f"Nothing was deleted. `edreflect orgs purge {name} --yes` deletes all of it, for good.")
        context.exit(TROUBLE)
    record = job.run()
    say(record.text.rstrip("\n"))
    if out is not None:
        replace_text(out.absolute(), record.text)
    job.end()


_STEPS = {
    "registry": "taking it out of the registry.",
    "retire": "letting nothing of it count any longer.",
    "build": "building, so that models and marts take its rows back.",
    "rows": "deleting rows and grants.",
    "landing": "deleting landed files.",
    "files": "deleting what names it in other files.",
    "dagster": "deleting its partition, runs and events.",
    "space": "rewriting tables, so that no deleted byte stays.",
    "verify": "looking for anything left.",
}


def _traces(settings: Settings) -> Traces | None:
    """Return Dagster's part, unless Dagster has never run here; importing it takes seconds."""
    from edreflect_assets.database import ensure_server  # noqa: PLC0415

    ensure_server(settings)
    from edreflect_assets.orchestration.purge import DagsterTraces, has_dagster  # noqa: PLC0415

    os.environ.setdefault("DAGSTER_HOME", str(settings.dagster_home))
    return DagsterTraces(settings) if has_dagster(settings) else None
