"""Keeps an org's Ed-Fi ODS in step: reads what should be there, decides, makes the calls."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from functools import partial

from psycopg2 import errors
from psycopg2.extensions import connection as Connection  # noqa: N812 - psycopg2 names its class in lower case

from edreflect_assets.database import connect
from edreflect_assets.edfi.calls import Outcome, make_calls
from edreflect_assets.edfi.client import CallFailed, OdsClient, OdsConnection
from edreflect_assets.edfi.decisions import Found, Mapped, Mode, Plan, Side, decide
from edreflect_assets.edfi.ods import Ods
from edreflect_assets.edfi.resources import COHORTS, RESOURCES, Resource
from edreflect_assets.edfi.state import (
    Recorder,
    Scope,
    Years,
    begin_run,
    day_of,
    end_run,
    publishing,
    read_sides,
    school_years,
)
from edreflect_assets.errors import ConfigurationError, EdreflectError, UsageError
from edreflect_assets.org_lock import taking
from edreflect_assets.orgs import Org
from edreflect_assets.settings import Settings

# Deletions that a change-mode run may make without being asked, however large their share is.
_FEW = 25
_NAME = "edreflect edfi"

Progress = Callable[[Scope, int, int], None]


class TooManyDeletions(EdreflectError):
    """A run would delete more of what the ODS holds than is let through without a person's word."""


@dataclass(frozen=True)
class Publication:
    """One org's school year: what was to be done, which resources are switched on, and what came of it (None: dry run)."""

    scope: Scope
    mode: Mode
    plan: Plan
    enabled: Mapping[str, bool]
    outcome: Outcome | None = None


def years_of(connection: Connection, org: Org, year: int | None) -> Years:
    """Return the school years to publish: the given one, or all that the newest programs speak of.

    Raises UsageError when the org has no ODS, or nothing of it was delivered and built yet.
    """
    _ods_of(org)
    with _built(org):
        years = school_years(connection, org.org_id)
    if year is not None:
        return Years((year,), ())
    if not years.delivered:
        raise UsageError(
            f"{org.org_id} has no program of any school year; load its feed infinite_campus and run `edreflect build`."
        )
    return years


def publish(
    settings: Settings,
    org: Org,
    year: int,
    mode: Mode,
    *,
    dry_run: bool = False,
    yes: bool = False,
    progress: Progress | None = None,
    open_client: Callable[[OdsConnection], OdsClient] = OdsClient,
) -> Publication:
    """Bring an org's ODS of a school year to what the edfi models say, or with ``dry_run`` only say how.

    In ``change`` mode what is there is known from the identity map alone; ``resync`` also reads the ODS. ``yes`` lets
    through any number of deletions. Raises TooManyDeletions before the first call, ConfigurationError for an ODS that
    cannot be used as registered, EdreflectError when it or the database stops answering or another publication runs.
    """
    ods, scope = _ods_of(org), Scope(org.org_id, year)
    with ExitStack() as stack:
        connection = stack.enter_context(closing(connect(settings, application_name=_NAME)))
        stack.enter_context(taking(connection, settings, org.org_id))
        stack.enter_context(publishing(connection, org.org_id, ods.url))
        client = None if dry_run and mode == "change" else stack.enter_context(open_client(_connection(org, year)))
        with _built(org):
            sides = read_sides(connection, scope)
            day = day_of(connection, scope)
        if mode == "resync" and client:
            with _answering(org):
                client.log_in()
                sides = {
                    resource: replace(each, found=_found(client, ods, resource)) for resource, each in sides.items()
                }
        publication = Publication(scope, mode, decide(mode, sides), _enabled(sides))
        if dry_run or client is None:
            return publication
        if not yes:
            _check_deletions(publication, sides, ods)
        if publication.plan.calls:
            with _answering(org):
                client.log_in()
        with (
            _recorded(connection, publication) as run_id,
            Recorder(partial(connect, settings, application_name=_NAME), scope, run_id, day) as recorder,
        ):
            cohorts: list[Mapped | Found] = [*sides[COHORTS].mapped, *(sides[COHORTS].found or {}).values()]
            outcome = make_calls(
                client,
                publication.plan,
                recorder,
                (each.key for each in cohorts),
                concurrency=ods.concurrency,
                progress=partial(progress, scope) if progress else None,
            )
    return replace(publication, outcome=outcome)


@contextmanager
def _recorded(connection: Connection, publication: Publication) -> Iterator[int]:
    """Write down that a run began and how it ended; gives its id."""
    run_id = begin_run(connection, publication.scope, publication.mode, publication.plan)
    trouble: str | None = "It was interrupted."
    try:
        yield run_id
        trouble = None
    except EdreflectError as error:
        trouble = str(error)
        raise
    finally:
        end_run(connection, publication.scope, run_id, trouble)


def _enabled(sides: Mapping[Resource, Side]) -> dict[str, bool]:
    return {resource.name: side.enabled for resource, side in sides.items()}


def _ods_of(org: Org) -> Ods:
    if org.edfi is None:
        raise ConfigurationError(
            f'{org.org_id} has no ODS in the org registry; the README\'s "Reporting cohorts to the state" shows its entry edfi.'
        )
    return org.edfi


@contextmanager
def _built(org: Org) -> Iterator[None]:
    try:
        yield
    except (errors.UndefinedTable, errors.InvalidSchemaName):
        raise EdreflectError(
            f"What should be in the ODS of {org.org_id} has not been built yet; run `edreflect build`."
        ) from None


@contextmanager
def _answering(org: Org) -> Iterator[None]:
    """Say of an ODS that does not answer which one it is, once, before anything is sent."""
    try:
        yield
    except CallFailed as failure:
        came = failure.message if failure.status is None else f"the ODS answered {failure.status}"
        raise EdreflectError(
            f"{org.org_id}: {came} ({_ods_of(org).url}); nothing was sent. Publish again when it works, or correct url in"
            " the org's entry edfi."
        ) from None


def _connection(org: Org, year: int) -> OdsConnection:
    ods = _ods_of(org)
    return OdsConnection(
        org_id=org.org_id,
        url=ods.url,
        year=year,
        standard=ods.data_standard,
        key_env=ods.key_env,
        secret_env=ods.secret_env,
        data_path=ods.data_path,
        token_url=ods.token_url,
        timeout=ods.timeout_seconds,
        concurrency=ods.concurrency,
        ca_file=ods.ca_file,
    )


def _found(client: OdsClient, ods: Ods, resource: Resource) -> dict[str, Found]:
    """Return what the ODS holds of the org's districts, by id."""
    found = {}
    for item in client.list_all(resource.name, districts=ods.districts):
        try:
            key = resource.key_of(item)
        except (KeyError, TypeError, ValueError):
            raise EdreflectError(
                f"The ODS shows a resource of {resource.name} without its natural key; is the data standard registered right?"
            ) from None
        found[str(item["id"])] = Found(str(item["id"]), key, item)
    return found


def _check_deletions(publication: Publication, sides: Mapping[Resource, Side], ods: Ods) -> None:
    counts = publication.plan.counts()
    for resource in RESOURCES:
        side, deletions = sides[resource], counts[resource.name]["DELETE"]
        held = len(side.mapped) if side.found is None else len(side.found)
        if deletions <= ods.max_deleted_share * held or (publication.mode == "change" and deletions <= _FEW):
            continue
        scope = publication.scope
        raise TooManyDeletions(
            f"{scope.org_id}, {scope.school_year}: {deletions:,} of {held:,} {resource.name} in the ODS would be deleted,"
            f" more than {ods.max_deleted_share:.0%}; nothing was sent. See `edreflect edfi"
            f" {'resync --dry-run' if publication.mode == 'resync' else 'plan'}"
            f" --org {scope.org_id} --year {scope.school_year}`, and if that is right, run it with --yes (in Dagster: `yes: true`)."
        )
