"""What happens when something is there: orgs in the registry, loads in the ledger. Late files have their own module."""

import hashlib
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import dagster as dg
from psycopg2 import Error as DatabaseError
from psycopg2.extensions import connection as Connection  # noqa: N812 - a class, misnamed by psycopg2

from edreflect_assets.database import connect
from edreflect_assets.errors import EdreflectError
from edreflect_assets.orchestration.attempts import Backoff, decide, unfinished_run
from edreflect_assets.orchestration.partitions import ORGS
from edreflect_assets.orgs import load_registry
from edreflect_assets.settings import Settings
from edreflect_assets.warehouse import pending, project_checksum

BUILD_JOB = "build_dbt"
WORK_TAG = "edreflect/work"
BUILD_BACKOFF = Backoff()


def registry_sensor() -> dg.SensorDefinition:
    """Return the sensor that keeps the org partitions in step with the registry file, the only truth about orgs."""

    @dg.sensor(
        name="registry_orgs",
        minimum_interval_seconds=30,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Adds a partition for each org of the registry and removes those of orgs that left it.",
    )
    def registry_orgs(
        context: dg.SensorEvaluationContext, settings: dg.ResourceParam[Settings]
    ) -> dg.SensorResult | dg.SkipReason:
        try:
            wanted = set(load_registry(settings))
        except EdreflectError as error:
            return dg.SkipReason(str(error))
        known = set(context.instance.get_dynamic_partitions(str(ORGS.name)))
        changes: list[Any] = []
        if wanted - known:
            changes.append(ORGS.build_add_request(sorted(wanted - known)))
        if known - wanted:
            changes.append(ORGS.build_delete_request(sorted(known - wanted)))
        if not changes:
            return dg.SkipReason(f"The partitions are the {len(wanted)} orgs of the registry.")
        return dg.SensorResult(dynamic_partitions_requests=changes)

    return registry_orgs


def pending_loads_sensor(backoff: Backoff = BUILD_BACKOFF) -> dg.SensorDefinition:
    """Return the sensor that starts a dbt run while there is something to apply and no run in progress.

    It looks at the state and keeps no cursor: what lands during a build is still pending after it and starts the next
    one. The same work that keeps failing is tried again at growing intervals, then left to a person; new loads are new
    work and start afresh.
    """

    @dg.sensor(
        name="pending_loads",
        job_name=BUILD_JOB,
        minimum_interval_seconds=30,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Starts one dbt run when loads are pending, the date or the dbt project has changed, or a build failed.",
    )
    def pending_loads(
        context: dg.SensorEvaluationContext, settings: dg.ResourceParam[Settings]
    ) -> dg.RunRequest | dg.SkipReason:
        run_id = unfinished_run(context.instance, BUILD_JOB)
        if run_id:
            return dg.SkipReason(f"Run {run_id} is building.")
        try:
            with closing(connect(settings, application_name="edreflect sensor")) as connection:
                work = work_to_do(connection, datetime.now(UTC))
        except EdreflectError as error:
            return dg.SkipReason(str(error))
        except DatabaseError as error:
            return dg.SkipReason(f"The ledger cannot be read (SQLSTATE {error.pgcode}); `edreflect up` migrates it.")
        if work is None:
            return dg.SkipReason("Everything in the ledger is applied.")
        name, sentence = work
        decision = decide(context.instance, BUILD_JOB, {WORK_TAG: name}, datetime.now(UTC), backoff)
        if not decision.go:
            return dg.SkipReason(f"{sentence} Not built: {decision.reason}.")
        context.log.info(sentence)
        return dg.RunRequest(run_key=f"{name}/{decision.attempt}", tags={WORK_TAG: name})

    return pending_loads


def work_to_do(connection: Connection, now: datetime) -> tuple[str, str] | None:
    """Return a name for exactly what a build would have to do, and a sentence about it; None when there is nothing.

    Work is: loads that some model has not recorded, a UTC date after that of the last build (unless it is pinned), a dbt
    project other than the last build's, or a last build that did not succeed. The same work has the same name until it
    is done. Raises psycopg2.Error when the database is not migrated.
    """
    waiting = pending(connection)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            select (select today from ops.clock where not pinned and today < %s),
                   (select max(build_id) from ops.builds where status = 'succeeded'),
                   (select project_checksum is distinct from %s from ops.builds order by build_id desc limit 1),
                   (select status <> 'succeeded' from ops.builds order by build_id desc limit 1)
            """,
            (now.date(), project_checksum()),
        )
        stale_day, succeeded, other_project, failed = cursor.fetchone() or (None, None, None, None)
    connection.rollback()
    loads = sorted({load_id for model in waiting for load_id in model.load_ids})
    reasons = [f"{len(loads)} loads are pending for {len(waiting)} models."] if loads else []
    if succeeded is not None and stale_day:
        reasons.append(f"The last build was made for {stale_day}.")
    if other_project:
        reasons.append("The dbt project has changed since the last build.")
    if failed and not reasons:
        reasons.append("The last build did not succeed.")
    if not reasons:
        return None
    digest = hashlib.sha256()
    for model in waiting:
        digest.update(f"{model.model}:{model.load_ids}\n".encode())
    if not loads:
        digest.update(f"{succeeded} {now.date()} {project_checksum() if other_project else ''}".encode())
    return digest.hexdigest()[:32], " ".join(reasons)
