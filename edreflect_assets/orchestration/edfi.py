"""Cohorts in a state's ODS as Dagster assets: published by org after the dbt models, checked over all orgs."""

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import dagster as dg
from psycopg2 import Error as DatabaseError
from psycopg2 import errors
from psycopg2.extensions import connection as Connection  # noqa: N812 - a class, misnamed by psycopg2

from edreflect_assets.database import connect, ensure_server, migrate
from edreflect_assets.edfi.decisions import Mode
from edreflect_assets.edfi.publish import Publication, publish, years_of
from edreflect_assets.edfi.resources import COHORTS, RESOURCES, Resource
from edreflect_assets.edfi.school_years import Scope
from edreflect_assets.edfi.standing import not_sendable, open_calls, orgs_due, troubles
from edreflect_assets.errors import EdreflectError
from edreflect_assets.orchestration.partitions import ORGS
from edreflect_assets.orchestration.requests import ensure_partitions
from edreflect_assets.orchestration.schedules import HALF_PAST
from edreflect_assets.org_lock import taking
from edreflect_assets.orgs import known_org, load_registry, sync_orgs
from edreflect_assets.settings import Settings

PUBLISH_OP = "publish_cohorts_to_ods"
PUBLISH_JOB, RESYNC_JOB, CHECK_JOB = "publish_ods", "resync_ods", "check_ods"
CONFIRMED, SENDABLE = "calls_confirmed", "records_sendable"
QUARTER_PAST = "15 * * * *"


class PublishConfig(dg.Config):
    """How an org's ODS is brought in step.

    ``resync`` also reads the ODS; ``yes`` lets through any number of deletions; ``year``: the school year that ends in it,
    default every one that the newest programs name.
    """

    resync: bool = False
    yes: bool = False
    year: int | None = None


def ods_asset_key(resource: Resource) -> dg.AssetKey:
    """Return ``ods/<table>``: what the ODS holds, beside the model ``edfi/<table>`` of what it should."""
    return dg.AssetKey(["ods", resource.table])


def ods_assets() -> dg.AssetsDefinition:
    """Return one asset per resource, by org; one step publishes all of them, since they depend on each other both ways."""

    @dg.multi_asset(
        name=PUBLISH_OP,
        specs=[
            dg.AssetSpec(
                ods_asset_key(resource),
                deps=[dg.AssetKey(["edfi", table]) for table in dict.fromkeys([COHORTS.table, resource.table])],
                description=f"The {resource.name} of an org in its state's Ed-Fi ODS, as confirmed call by call.",
                group_name="ods",
                kinds={"edfi"},
            )
            for resource in RESOURCES
        ],
        partitions_def=ORGS,
    )
    def publish_cohorts(
        context: dg.AssetExecutionContext, config: PublishConfig, settings: dg.ResourceParam[Settings]
    ) -> Iterator[dg.MaterializeResult[None]]:
        try:
            publications, troubles = _publish(context, config, settings)
        except EdreflectError as error:
            publications, troubles = [], [str(error)]
        if troubles:
            raise dg.Failure(" ".join(troubles), allow_retries=False)
        for resource in RESOURCES:
            yield dg.MaterializeResult(ods_asset_key(resource), metadata=_metadata(resource, publications))

    return publish_cohorts


def _publish(
    context: dg.AssetExecutionContext, config: PublishConfig, settings: Settings
) -> tuple[list[Publication], list[str]]:
    """Publish every school year; what went wrong with one does not keep the others, and is returned as sentences."""
    org = known_org(settings, context.partition_key)
    mode: Mode = "resync" if config.resync else "change"
    ensure_server(settings)
    with closing(connect(settings, application_name="edreflect edfi")) as connection:
        migrate(connection)
        with taking(connection, settings, org.org_id):
            sync_orgs(connection, load_registry(settings))
        years = years_of(connection, org, config.year)
    for year in years.only_mapped:
        context.log.warning(f"{org.org_id}: the newest programs name school year {year} no more; it is left as it is.")
    publications, troubles = [], []
    for year in years.delivered:

        def tell(scope: Scope, total: int, done: int) -> None:
            if 10 * done // total > 10 * (done - 1) // total:
                context.log.info(f"{scope.org_id}, {scope.school_year}: {done} of {total} calls made.")

        try:
            publications.append(publish(settings, org, year, mode, yes=config.yes, progress=tell))
        except EdreflectError as error:
            troubles.append(str(error))
    return publications, troubles


def _metadata(resource: Resource, publications: list[Publication]) -> dict[str, Any]:
    metadata: dict[str, Any] = {"school_years": ", ".join(str(each.scope.school_year) for each in publications)}
    for verb in ("POST", "PUT", "DELETE"):
        metadata[verb] = sum(each.outcome.confirmed[resource.name, verb] for each in publications if each.outcome)
    failed = [each.outcome.failed for each in publications if each.outcome]
    metadata["failed"] = sum(n for counted in failed for (name, *_), n in counted.items() if name == resource.name)
    remarks = Counter[str]()
    for remark in (remark for each in publications for remark in each.plan.remarks if remark.resource is resource):
        remarks[remark.code] += remark.records
    metadata |= dict(sorted(remarks.items()))
    if all(resource.name in each.plan.found for each in publications):
        metadata["held_before"] = sum(each.plan.found[resource.name] for each in publications)
    return metadata


def ods_checks() -> dg.AssetChecksDefinition:
    """Return the checks of the ODS assets: one op that reads the platform's records of all orgs, and calls nothing."""
    key = ods_asset_key(COHORTS)

    @dg.multi_asset_check(
        name="ods_checks",
        specs=[
            dg.AssetCheckSpec(
                CONFIRMED, asset=key, description="Every call of the newest runs was confirmed by the ODS."
            ),
            dg.AssetCheckSpec(SENDABLE, asset=key, description="Every record that should be in an ODS can be sent."),
        ],
    )
    def checks(settings: dg.ResourceParam[Settings]) -> Iterator[dg.AssetCheckResult]:
        ensure_server(settings)
        with closing(connect(settings, application_name="edreflect checks")) as connection:
            migrate(connection)
            for name, lines, meaning, severity in (
                (CONFIRMED, _unconfirmed(connection), _CONFIRMED_MEANING, dg.AssetCheckSeverity.ERROR),
                (SENDABLE, _unsendable(connection), _SENDABLE_MEANING, dg.AssetCheckSeverity.WARN),
            ):
                yield dg.AssetCheckResult(
                    asset_key=key,
                    check_name=name,
                    passed=not lines,
                    severity=severity,
                    description=" ".join([*lines, meaning if lines else "Nothing is open."]),
                    metadata={"open": len(lines)},
                )

    return checks


_CONFIRMED_MEANING = (
    "edfi.failed_calls holds what the ODS said. Put it right at the source or in the ODS and publish again; what does not"
    " fit the map any more is settled by a resync."
)
_SENDABLE_MEANING = "Put them right in Infinite Campus; `edreflect edfi plan` names the records."


def _unconfirmed(connection: Connection) -> list[str]:
    lines = [
        f"{each.org_id}, {each.school_year}: {each.calls} {each.verb} of {each.resource} failed"
        f" ({'no answer, or no cohort to refer to' if each.status is None else f'status {each.status}'})."
        for each in open_calls(connection)
    ]
    return lines + [
        f"{org_id}, {year}: the last run did not come to its end. {text}" for org_id, year, text in troubles(connection)
    ]


def _unsendable(connection: Connection) -> list[str]:
    try:
        found = not_sendable(connection)
    except (errors.UndefinedTable, errors.InvalidSchemaName):
        return []
    return [f"{each.org_id}: {each.records} of {each.resource} are not sent, {each.reason}." for each in found]


def ods_jobs() -> list[Any]:
    """Return the jobs: publish an org's changes, resync its ODS, and check."""
    assets = dg.AssetSelection.assets(*map(ods_asset_key, RESOURCES)).without_checks()
    resync = {"ops": {PUBLISH_OP: {"config": {"resync": True}}}}
    return [
        dg.define_asset_job(
            PUBLISH_JOB,
            selection=assets,
            description="Sends what changed of an org's cohorts to its state's Ed-Fi ODS.",
        ),
        dg.define_asset_job(
            RESYNC_JOB,
            selection=assets,
            config=resync,
            description="Reads an org's ODS as well and makes it hold what it should. Stops when more than a share of what it"
            " holds would be deleted; launch it with `yes: true` to go on.",
        ),
        dg.define_asset_job(
            CHECK_JOB,
            selection=dg.AssetSelection.checks_for_assets(ods_asset_key(COHORTS)),
            description="Checks what the last publications left open; reads only.",
        ),
    ]


def ods_schedules() -> list[dg.ScheduleDefinition]:
    """Return the hourly schedules: publishing what is newly built, and the checks."""

    @dg.schedule(
        name="ods_hourly",
        job_name=PUBLISH_JOB,
        cron_schedule=QUARTER_PAST,
        execution_timezone="UTC",
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Publishes the cohorts of each org with an ODS of which something is newly built, or a run broke off.",
    )
    def hourly(
        context: dg.ScheduleEvaluationContext, settings: dg.ResourceParam[Settings]
    ) -> list[dg.RunRequest] | dg.SkipReason:
        try:
            due = due_orgs(settings)
        except EdreflectError as error:
            return dg.SkipReason(str(error))
        except DatabaseError as error:
            return dg.SkipReason(f"The records cannot be read (SQLSTATE {error.pgcode}); `edreflect up` migrates them.")
        if not due:
            return dg.SkipReason("Every ODS was told what is built.")
        ensure_partitions(context.instance, due)
        hour = context.scheduled_execution_time.astimezone(UTC)
        return [_request(org_id, hour) for org_id in due]

    return [
        hourly,
        dg.ScheduleDefinition(
            name="ods_checks_hourly",
            job_name=CHECK_JOB,
            cron_schedule=HALF_PAST,
            execution_timezone="UTC",
            default_status=dg.DefaultScheduleStatus.RUNNING,
            description="Runs the checks of the ODS over all orgs.",
        ),
    ]


def due_orgs(settings: Settings) -> list[str]:
    """Return the orgs that have an ODS, are not paused, and have something to publish.

    Raises ConfigurationError when the registry cannot be read, psycopg2.Error when the database is not migrated.
    """
    orgs = [org.org_id for org in load_registry(settings).values() if org.edfi and not org.paused]
    if not orgs:
        return []
    with closing(connect(settings, application_name="edreflect schedule")) as connection:
        due = orgs_due(connection, orgs)
    return [org_id for org_id in orgs if org_id in due]


def _request(org_id: str, hour: datetime) -> dg.RunRequest:
    return dg.RunRequest(run_key=f"{org_id}/{hour:%Y-%m-%dT%H}", partition_key=org_id)
