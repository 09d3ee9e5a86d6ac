"""Many org-days in one go: each is fetched and loaded, and no org's trouble stops another. Knows no Dagster."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import date
from typing import Literal

import psycopg2
from psycopg2.extensions import connection as Connection  # noqa: N812 - a class, misnamed by psycopg2

from edreflect_assets.contracts import Feed
from edreflect_assets.database import connect, ensure_server, migrate
from edreflect_assets.errors import ConfigurationError, EdreflectError, Refused
from edreflect_assets.ingest import ingest
from edreflect_assets.loading.load import DeliveryReport
from edreflect_assets.orgs import Org, load_registry, sync_orgs
from edreflect_assets.settings import Settings
from edreflect_assets.sources.sftp import SftpSource

OpenSource = Callable[[Org], SftpSource]


@dataclass(frozen=True)
class Outcome:
    """What became of one org's day (None: its files without a day); ``text`` names both in one sentence.

    ``absent`` means that the source has no such folder: information for the checks, not a failure. ``transient`` says
    of a failure that trying again may help.
    """

    org_id: str
    day: date | None
    status: Literal["loaded", "absent", "failed"]
    text: str
    transient: bool = False
    report: DeliveryReport | None = None


def sweep(
    settings: Settings,
    feed: Feed,
    days_by_org: Mapping[str, Sequence[date | None]],
    *,
    run_id: str | None = None,
    open_source: OpenSource = SftpSource,
) -> Iterator[Outcome]:
    """Fetch and load every given day of every given org, and give one outcome for each, as it comes.

    One connection per org. An org whose server cannot be used fails for all of its days after one bounded try. Starts
    the embedded server and migrates the database. Raises ConfigurationError when the database or the registry cannot be used.
    """
    registry = load_registry(settings)
    ensure_server(settings)
    with closing(connect(settings, application_name="edreflect ingest")) as connection:
        migrate(connection)
        sync_orgs(connection, registry)
        for org_id, days in days_by_org.items():
            org = registry.get(org_id)
            reason = _not_fetched(org, settings)
            if org is None or reason:
                for day in days:
                    yield Outcome(org_id, day, "failed", f"{_name(feed, org_id, day)}: {reason}.")
                continue
            yield from _org(connection, settings, feed, org, days, run_id, open_source)


def _org(  # noqa: PLR0917
    connection: Connection,
    settings: Settings,
    feed: Feed,
    org: Org,
    days: Sequence[date | None],
    run_id: str | None,
    open_source: OpenSource,
) -> Iterator[Outcome]:
    try:
        with open_source(org) as source:
            there = set(source.days(feed, org.org_id))
            for day in days:
                if day in there:
                    yield _one(connection, settings, feed, org, day, source, run_id)
                else:
                    text = f"{_name(feed, org.org_id, day)}: the source has no such delivery."
                    yield Outcome(org.org_id, day, "absent", text)
    except Exception as error:
        for day in days:
            yield _failure(feed, org.org_id, day, error)


def _one(  # noqa: PLR0917
    connection: Connection,
    settings: Settings,
    feed: Feed,
    org: Org,
    day: date | None,
    source: SftpSource,
    run_id: str | None,
) -> Outcome:
    try:
        report = ingest(connection, settings, feed, org, day, source, run_id=run_id)
    except Exception as error:
        _keep_usable(connection)
        return _failure(feed, org.org_id, day, error)
    return Outcome(org.org_id, day, "loaded", _loaded_text(report), report=report)


def _failure(feed: Feed, org_id: str, day: date | None, error: Exception) -> Outcome:
    """Return the outcome of an error; texts of errors not meant for people may hold values and are left out."""
    if isinstance(error, EdreflectError):
        name = "" if isinstance(error, Refused) or org_id in str(error) else f"{_name(feed, org_id, day)}: "
        transient = bool(getattr(error, "transient", False))
        return Outcome(org_id, day, "failed", f"{name}{error}", transient=transient)
    place = traceback.extract_tb(error.__traceback__)[-1]
    text = (
        f"{_name(feed, org_id, day)}: an error nobody foresaw ({type(error).__name__} in {place.name}, line {place.lineno} "
        f"of {place.filename.rpartition('/')[2]}); nothing of it was loaded, please report it"
    )
    return Outcome(org_id, day, "failed", f"{text}.", transient=isinstance(error, psycopg2.OperationalError))


def _keep_usable(connection: Connection) -> None:
    """End a transaction that an error left open; raises ConfigurationError when the connection itself is gone."""
    with suppress(psycopg2.Error):
        connection.rollback()
    if connection.closed:
        raise ConfigurationError("The connection to the database was lost; it is tried again.") from None


def _not_fetched(org: Org | None, settings: Settings) -> str:
    if org is None:
        return f"it is not in the org registry {settings.registry.name}; add it with `edreflect orgs add`"
    if org.paused:
        return f"the org is paused; `edreflect orgs pause --off {org.org_id}` ends that"
    if not org.host:
        return "the org has no host in the registry; load it from a folder with `edreflect load --source DIR`"
    return ""


def _loaded_text(report: DeliveryReport) -> str:
    new = [file for file in report.files if file.status == "loaded"]
    rows, aside = sum(file.rows for file in new), sum(file.quarantined for file in new)
    what = f"{len(new)} files loaded, {rows} rows, {aside} set aside" if new else "nothing new"
    return f"{report.feed} of {report.org_id}, {report.day or 'files without a day'}: {what}."


def _name(feed: Feed, org_id: str, day: date | None) -> str:
    return f"{feed.name} of {org_id}, {day or 'files without a day'}"
