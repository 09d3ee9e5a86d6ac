"""Whether a piece of work is to be tried (again), read from the runs that were made for it.

A sensor that decides from the state of things and from these runs is level-triggered: it keeps no cursor that could be
moved before the work is done, so it can neither lose an update nor repeat a failing one for ever.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import dagster as dg

UNFINISHED = [
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


@dataclass(frozen=True)
class Backoff:
    """At most ``attempts`` runs; the wait after the first is ``first``, doubled after each, never above ``longest``."""

    attempts: int = 8
    first: timedelta = timedelta(minutes=1)
    longest: timedelta = timedelta(hours=4)

    def wait(self, failures: int) -> timedelta:
        """Return how long to wait after so many failures."""
        return min(self.first * int(2 ** min(failures - 1, 20)), self.longest)


@dataclass(frozen=True)
class Decision:
    """Whether to request a run now, which attempt that is (from 1), and otherwise why not."""

    go: bool
    attempt: int
    reason: str = ""


def unfinished_run(instance: dg.DagsterInstance, job_name: str, tags: Mapping[str, str] | None = None) -> str | None:
    """Return the id of a run of a job that is queued or under way, None if there is none."""
    found = instance.get_runs(dg.RunsFilter(job_name=job_name, tags=dict(tags or {}), statuses=UNFINISHED), limit=1)
    return found[0].run_id if found else None


def decide(
    instance: dg.DagsterInstance, job_name: str, tags: Mapping[str, str], now: datetime, backoff: Backoff
) -> Decision:
    """Decide from the runs of a job with exactly these tags; a finished run of whatever end counts as an attempt.

    The caller asks only while the work is still to be done: a run that succeeded and left it undone did not help.
    """
    records = instance.get_run_records(
        dg.RunsFilter(job_name=job_name, tags=dict(tags)), limit=backoff.attempts + 1, order_by="id"
    )
    return _decide(records, now, backoff)


def _decide(records: Sequence[dg.RunRecord], now: datetime, backoff: Backoff) -> Decision:
    tried = len(records)
    if not records:
        return Decision(True, 1)
    last = records[0]
    if not last.dagster_run.is_finished:
        return Decision(False, tried, f"run {last.dagster_run.run_id} is at it")
    if tried >= backoff.attempts:
        return Decision(
            False,
            tried,
            f"{tried} runs did not help, the last one was {last.dagster_run.run_id}: it needs a person now",
        )
    ended = datetime.fromtimestamp(last.end_time, UTC) if last.end_time else last.update_timestamp
    due = ended + backoff.wait(tried)
    if now < due:
        return Decision(False, tried, f"{tried} runs did not help, the next one is due at {due:%Y-%m-%d %H:%M:%S} UTC")
    return Decision(True, tried + 1)
