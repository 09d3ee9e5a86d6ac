"""``edreflect catalog``: the published views as a site that opens from a folder."""

from __future__ import annotations

from pathlib import Path

import click

from edreflect_assets.catalog.site import INDEX
from edreflect_assets.catalog.write import write_catalog
from edreflect_assets.cli.output import plural, say, steps
from edreflect_assets.cli.prepared import prepared_database
from edreflect_assets.settings import Settings


@click.command()
@click.option(
    "--out",
    "directory",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Where to write the site; default: catalog in EDREFLECT_HOME.",
)
def catalog(directory: Path | None) -> None:
    """Write a site that documents the published views.

    It opens from its folder and needs no network: purpose, columns, join keys, lineage, freshness and example queries of
    each view, an entity diagram, and a search over all of it. Rows are counted, none is shown.
    """
    settings = Settings.from_environment()
    target = (directory or settings.home / "catalog").absolute()
    with prepared_database(settings) as (connection, _), steps("Describing the warehouse") as progress:
        written = write_catalog(
            settings,
            connection,
            target,
            lambda line, number, total: progress.done(line, number=number, total=total or None, quiet=True),
        )
    missing = [page.view.name for page in written.pages if not page.built]
    if missing:
        say(f"Not built in this warehouse yet: {', '.join(missing)}; `edreflect build` builds them.")
    say(f"The catalogue of {plural(len(written.pages), 'view')} is written; open {target / INDEX}.")
