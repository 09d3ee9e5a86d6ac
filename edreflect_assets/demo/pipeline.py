"""The demo's work, done by the platform's own Dagster jobs, in this process, on the home's Dagster instance."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from edreflect_assets.contracts import Feed
from edreflect_assets.demo.interrupts import Interrupts
from edreflect_assets.errors import EdreflectError
from edreflect_assets.settings import Settings

_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dataclass(frozen=True)
class Checks:
    """How the asset checks of a build ended: how many there were, and a name and text of each that did not pass."""

    number: int
    found: tuple[tuple[str, str], ...]


class Pipeline:
    """Runs the platform's jobs; ``close`` it when done. Creating one takes seconds: Dagster and dbt are loaded."""

    def __init__(self, settings: Settings, orgs: Sequence[str], interrupts: Interrupts) -> None:
        # Dagster warns of its own features that are marked as preview.
        warnings.filterwarnings("ignore", module=r"dagster.*")
        warnings.filterwarnings("ignore", category=SyntaxWarning)
        from edreflect_assets.orchestration.code_location import build_definitions  # noqa: PLC0415 - takes seconds
        from edreflect_assets.orchestration.instance import open_instance  # noqa: PLC0415
        from edreflect_assets.orchestration.requests import ensure_partitions  # noqa: PLC0415

        self._definitions = build_definitions(settings)
        self._interrupts = interrupts
        self._instance = open_instance(settings)
        ensure_partitions(self._instance, orgs)

    def close(self) -> None:
        """Close Dagster's instance."""
        self._instance.dispose()

    def ingest(self, feed: Feed, org: str, days: Sequence[date | None]) -> None:
        """Fetch and load days of an org's feed that follow each other, or its files without a day for None.

        Raises EdreflectError with Dagster's words when something was not loaded.
        """
        from edreflect_assets.orchestration.partitions import partition_key  # noqa: PLC0415
        from edreflect_assets.orchestration.requests import ingest_job_name  # noqa: PLC0415

        first, last = (partition_key(org, day) for day in (days[0], days[-1]))
        job = ingest_job_name(feed, dayless=days[0] is None)
        if len(days) == 1:
            self._run(job, partition_key=first)
        else:
            between = {"dagster/asset_partition_range_start": first, "dagster/asset_partition_range_end": last}
            self._run(job, tags=between)

    def build(self) -> Checks:
        """Apply what is pending, publish, and return what the checks found. Raises EdreflectError if a model failed."""
        result = self._run("build_dbt")
        evaluations = result.get_asset_check_evaluations()
        found = [
            (f"{evaluation.check_name} of {evaluation.asset_key.to_user_string()}", evaluation.description or "")
            for evaluation in evaluations
            if not evaluation.passed
        ]
        return Checks(len(evaluations), tuple(found))

    def report_cohorts(self, org: str) -> None:
        """Publish an org's cohorts to its ODS. Raises EdreflectError with Dagster's words when it could not be done."""
        self._run("publish_ods", partition_key=org)

    def _run(self, job: str, **what: Any) -> Any:
        tags: Mapping[str, str] = {"edreflect/demo": "true", **what.pop("tags", {})}
        result = self._definitions.resolve_job_def(job).execute_in_process(
            run_config=_QUIET, instance=self._instance, raise_on_error=False, tags=tags, **what
        )
        self._interrupts.check()
        if not result.success:
            raise EdreflectError(f"The run {result.run_id} of {job} failed: {_cause(result)}")
        return result


def _cause(result: Any) -> str:
    """Return the words of a failed run: those of a Failure, which are meant for people; of other errors the kind."""
    for event in result.all_events:
        if not event.is_step_failure:
            continue
        error = event.step_failure_data.error
        if error is not None and error.cls_name in {"Failure", "DagsterExecutionStepExecutionError"}:
            return " ".join(str(error.message).split())
        return error.cls_name if error is not None else "a step failed"
    return "Dagster's web UI (`--ui`) shows its log"
