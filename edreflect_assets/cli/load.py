"""``edreflect load`` and ``edreflect run``: deliveries from a folder, or over SFTP as registered."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from edreflect_assets.cli.build import DAY, build_and_report
from edreflect_assets.cli.deliveries import Loader, Selection
from edreflect_assets.cli.errors import TROUBLE
from edreflect_assets.cli.landed import LandedSource
from edreflect_assets.cli.output import plural, say
from edreflect_assets.cli.prepared import prepared_database
from edreflect_assets.errors import ConfigurationError, UsageError
from edreflect_assets.orgs import Org
from edreflect_assets.settings import Settings
from edreflect_assets.sources.folder import FolderSource, GivenFolder
from edreflect_assets.sources.sftp import SftpSource
from edreflect_assets.warehouse import pending

Command = Callable[..., Any]


def _selection(command: Command) -> Command:
    for option in (
        click.option("--to", "last", type=DAY, metavar="DAY", help="The last day, included."),
        click.option("--from", "first", type=DAY, metavar="DAY", help="The first day (YYYY-MM-DD)."),
        click.option("--org", "orgs", multiple=True, metavar="NAME", help="Only this org; may be repeated."),
        click.option("--feed", "feeds", multiple=True, metavar="NAME", help="Only this feed; may be repeated."),
    ):
        command = option(command)
    return command


@click.command()
@click.option(
    "--source",
    type=click.Path(path_type=Path, exists=True, file_okay=False, resolve_path=True),
    help="The folder that holds one folder per org, laid out as on the SFTP server: ORG/export/DAY/*.csv.",
)
@_selection
@click.option(
    "--again",
    is_flag=True,
    help="Load anew what is loaded already; without --source from the landed bytes.",
)
@click.option(
    "--day",
    "given_day",
    type=DAY,
    metavar="DAY",
    help="DIR itself holds the files of this day, of the one --feed and --org named (a legacy export, say).",
)
@click.pass_context
def load(
    context: click.Context,
    *,
    source: Path | None,
    feeds: tuple[str, ...],
    orgs: tuple[str, ...],
    first: datetime | None,
    last: datetime | None,
    again: bool,
    given_day: datetime | None,
) -> None:
    """Load deliveries from a folder instead of SFTP.

    Every org and day found is loaded into the raw log; what is loaded already is left alone. `edreflect build` then
    publishes. Exit code 0 if all were loaded, 1 if some were not (each named on stderr), 2 for wrong usage.
    """
    if source is None and not again:
        raise UsageError("Name the folder to load from with --source; --again alone loads the landed bytes anew.")
    if given_day and (source is None or len(feeds) != 1 or len(orgs) != 1 or first or last):
        raise UsageError(
            "--day says whose files --source holds: name one --feed and one --org, without --from and --to."
        )
    settings = Settings.from_environment()
    chosen = _chosen(feeds, orgs, first, last)
    with prepared_database(settings) as (connection, registry):
        # Last exports of an unpaused org and of a paused one look the same in a folder: who is named is loaded.
        place = _place(source, given_day, chosen, registry, settings)
        _known(registry, chosen.orgs, settings)
        loader = Loader(settings, connection, chosen, again=again)
        wanted = [registry[name] for name in chosen.orgs] or [org for org in registry.values() if not org.paused]
        strangers = [] if chosen.orgs else sorted(set(place.orgs()) - set(registry))
        loader.load([(org, place) for org in wanted])
        present = set(place.orgs())
        for org in wanted:
            if org.org_id not in loader.totals.found_of and org.org_id in present.union(chosen.orgs):
                say(f"{org.org_id}: nothing was found in {_expected(org, chosen) if source else settings.landing}.")
        for org in [] if chosen.orgs else (registry[name] for name in sorted(present & set(registry))):
            if org.paused and any(place.days(feed, org.org_id) for feed in chosen.chosen_feeds()):
                loader.totals.found += 1
                say(
                    f"{org.org_id}: paused, nothing of it was loaded; `--org {org.org_id}` loads it all the same, "
                    f"`edreflect orgs pause {org.org_id} --off` ends the pause."
                )
        for name in strangers:
            if any(place.days(feed, name) for feed in chosen.chosen_feeds()):
                loader.totals.found += 1
                loader.fail(
                    f"{name}: not in the registry, nothing of it was loaded; `edreflect orgs add {name}` adds it."
                )
        if not loader.totals.found and not loader.totals.failed:
            raise UsageError(
                f"Nothing to load was found in {source or settings.landing}: deliveries are expected in "
                f"{_expected(None, chosen)}."
            )
        say(loader.totals.sentence())
        connection.rollback()
        waiting = {load_id for model in pending(connection) for load_id in model.load_ids}
    if waiting:
        say(f"{plural(len(waiting), 'load')} pending; `edreflect build` applies and publishes them.")
    if loader.totals.failed:
        context.exit(TROUBLE)


@click.command()
@_selection
@click.pass_context
def run(
    context: click.Context,
    *,
    feeds: tuple[str, ...],
    orgs: tuple[str, ...],
    first: datetime | None,
    last: datetime | None,
) -> None:
    """Fetch over SFTP as registered, load, and build.

    Takes every day that the servers have, unless --from and --to say otherwise; files that are loaded already are
    fetched and compared, not loaded twice. Exit code 1 if an org could not be fetched, a delivery was refused or the
    build failed; everything else is loaded and published all the same.
    """
    settings = Settings.from_environment()
    chosen = _chosen(feeds, orgs, first, last)
    with prepared_database(settings) as (connection, registry):
        _known(registry, chosen.orgs, settings)
        named = [registry[name] for name in chosen.orgs]
        wanted = named or [org for org in registry.values() if org.host and not org.paused]
        if not wanted:
            raise UsageError(f"No org in {settings.registry} has a host to fetch from; `edreflect orgs add` adds one.")
        loader = Loader(settings, connection, chosen)
        for org in wanted:
            _run_one(loader, org)
        say(loader.totals.sentence())
    built = build_and_report(settings)
    if loader.totals.failed or not built:
        context.exit(TROUBLE)


def _place(
    source: Path | None, given_day: datetime | None, chosen: Selection, registry: dict[str, Org], settings: Settings
) -> FolderSource | LandedSource:
    """Return where deliveries are looked for: the folder given, as a whole or as one day's, else the landing area."""
    if source is None:
        return LandedSource(settings.landing)
    if given_day is not None:
        return GivenFolder(source, chosen.orgs[0], given_day.date(), registry=registry)
    return FolderSource(source, registry=registry)


def _run_one(loader: Loader, org: Org) -> None:
    with ExitStack() as stack:
        try:
            source = stack.enter_context(SftpSource(org))
        except (UsageError, ConfigurationError) as error:
            loader.fail(str(error))
            return
        loader.load([(org, source)])


def _chosen(feeds: tuple[str, ...], orgs: tuple[str, ...], first: datetime | None, last: datetime | None) -> Selection:
    chosen = Selection(feeds, orgs, first.date() if first else None, last.date() if last else None)
    if chosen.first and chosen.last and chosen.first > chosen.last:
        raise UsageError(f"--from {chosen.first} is after --to {chosen.last}.")
    chosen.chosen_feeds()
    return chosen


def _expected(org: Org | None, chosen: Selection) -> str:
    """Say where the deliveries of an org (None: of any) belong, by the first feed asked for."""
    feed = chosen.chosen_feeds()[0]
    template = (org.paths.get(feed.name) if org else None) or feed.path
    return f"{template.replace('{org}', org.org_id if org else 'ORG')}, one folder per day (YYYY-MM-DD)"


def _known(registry: dict[str, Org], names: tuple[str, ...], settings: Settings) -> None:
    for name in names:
        if name not in registry:
            raise UsageError(
                f"Org {ascii(name)[:80]} is not in {settings.registry}; `edreflect orgs add {name}` adds it."
            )
