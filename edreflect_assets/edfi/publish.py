"""Keeps an org's Ed-Fi ODS in step: reads what should be there, decides, makes the calls."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial

import psycopg2
from psycopg2 import errors
from psycopg2.extensions import connection as Connection  # noqa: N812 - psycopg2 names its class in lower case

from edreflect_assets.database import connect
from edreflect_assets.edfi.calls import Outcome, make_calls
from edreflect_assets.edfi.client import CallFailed, OdsClient, OdsConnection
from edreflect_assets.edfi.decisions import Found, Mapped, Mode, Plan, Side, decide
from edreflect_assets.edfi.identity_map import settle_map
from edreflect_assets.edfi.locks import publishing
from edreflect_assets.edfi.ods import Ods
from edreflect_assets.edfi.reading import Reading, read
from edreflect_assets.edfi.recorder import Recorder
from edreflect_assets.edfi.resources import RESOURCES, Resource
from edreflect_assets.edfi.runs import begin_run, end_run, note_plan, other_url
from edreflect_assets.edfi.school_years import Scope, Years, school_years
from edreflect_assets.errors import ConfigurationError, EdreflectError, UsageError
from edreflect_assets.org_lock import taking
from edreflect_assets.orgs import Org
from edreflect_assets.settings import Settings

# Deletions that a change-mode run may make without being asked, however large their share is.
_FEW = 25
_NAME = "edreflect edfi"

Progress = Callable[[Scope, int, int], None]


class WaitsForAPerson(EdreflectError):
    """A run that would end in the same way until a person has decided something."""


class TooManyDeletions(WaitsForAPerson):
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
    only = _ods_of(org).year
    if only is not None:
        return Years((only,), ())
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
    through any number of deletions. The caller has given the database what the registry says (``sync_orgs``): the models
    go by that. Raises UsageError for a year that the ODS does not take, TooManyDeletions before the first call,
    WaitsForAPerson where what was sent so far went elsewhere, ConfigurationError for an ODS that cannot be used as
    registered, EdreflectError when it or the database stops answering or another publication runs.
    """
    ods, scope = _ods_of(org), Scope(org.org_id, year)
    if ods.year not in (None, year):
        raise UsageError(f"The ODS of {org.org_id} takes school year {ods.year} only, as its entry edfi says.")

    def client_of_year() -> OdsClient:
        return open_client(OdsConnection(org.org_id, ods, year))

    with ExitStack() as stack:
        connection = stack.enter_context(closing(connect(settings, application_name=_NAME)))
        stack.enter_context(taking(connection, settings, org.org_id))
        if dry_run and mode == "change":
            return _planned(connection, org, scope, mode, None)[0]
        stack.enter_context(publishing(connection, org.org_id, ods.url))
        if dry_run:
            return _planned(connection, org, scope, mode, stack.enter_context(client_of_year()))[0]
        with _recorded(connection, scope, mode, ods.url) as run_id:
            client = stack.enter_context(client_of_year())
            if mode == "change" and other_url(connection, scope, ods.url):
                raise WaitsForAPerson(
                    f"{org.org_id}, {year}: what was sent so far went to another ODS than the one at {ods.url}; resync it"
                    " first, which reads what this one holds."
                )
            publication, reading = _planned(connection, org, scope, mode, client)
            note_plan(connection, run_id, publication.plan, reading.seen)
            if not yes:
                _check_deletions(publication, reading.sides, ods)
            if publication.plan.calls:
                with _answering(org):
                    client.log_in()
            settle_map(connection, scope, publication.plan)
            known = [(resource, each) for resource, side in reading.sides.items() for each in _known(side)]
            with Recorder(partial(connect, settings, application_name=_NAME), scope, run_id, reading.day) as recorder:
                outcome = make_calls(
                    client,
                    publication.plan,
                    recorder,
                    known,
                    concurrency=ods.concurrency,
                    progress=partial(progress, scope) if progress else None,
                )
    return replace(publication, outcome=outcome)


def _planned(
    connection: Connection, org: Org, scope: Scope, mode: Mode, client: OdsClient | None
) -> tuple[Publication, Reading]:
    """Read what there is, in resync mode of the ODS too, and decide."""
    ods = _ods_of(org)
    with _built(org):
        reading = read(connection, scope, ods.districts)
    if mode == "resync" and client is not None:
        with _answering(org):
            found = {resource: _found(client, ods, resource) for resource in RESOURCES}
        sides = {resource: replace(side, found=found[resource]) for resource, side in reading.sides.items()}
        reading = replace(reading, sides=sides)
    return Publication(scope, mode, decide(mode, reading.sides), _enabled(reading.sides)), reading


def _known(side: Side) -> list[Mapped | Found]:
    return [*side.mapped, *(side.found or {}).values()]


@contextmanager
def _recorded(connection: Connection, scope: Scope, mode: Mode, url: str) -> Iterator[int]:
    """Write down that a run began and how it ended; gives its id. Errors of the database lose their values."""
    run_id = begin_run(connection, scope, mode, url)
    trouble, person = "It was interrupted.", False
    try:
        try:
            yield run_id
        except psycopg2.Error as error:
            raise EdreflectError(
                f"{scope.org_id}, {scope.school_year}: the database did not go along (SQLSTATE {error.pgcode}); publish again."
            ) from None
    except EdreflectError as error:
        trouble, person = str(error), isinstance(error, WaitsForAPerson)
        raise
    else:
        trouble = ""
    finally:
        # The database may be what is in trouble; the run then counts as one that was killed.
        with suppress(psycopg2.Error):
            end_run(connection, scope, run_id, trouble or None, waits_for_a_person=person)


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
