"""Makes the calls of a plan: in the order that references ask for, several at a time, each outcome written down."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from functools import partial
from itertools import islice

from edreflect_assets.edfi.client import CallFailed, OdsClient, OdsResourceGone
from edreflect_assets.edfi.decisions import Deletion, Found, Mapped, Plan, Write
from edreflect_assets.edfi.recorder import Confirmed, Failed, Recorder
from edreflect_assets.edfi.resources import COHORTS, NaturalKey, Resource
from edreflect_assets.errors import EdreflectError

# Called with the number of calls in all and of those that are over, from any thread.
Progress = Callable[[int, int], None]
# Calls in a row that found no ODS working, beyond those in flight, after which the others are not tried.
_PATIENCE = 4
# So often it is asked whether it works at all, before none of the calls between has succeeded.
_LOOKS = 8


@dataclass
class Outcome:
    """What came of a plan's calls: confirmed ones by (resource, verb), failed ones by (resource, verb, status).

    The status is None where there was no answer, or no call because the association's cohort could not be written.
    """

    confirmed: Counter[tuple[str, str]] = field(default_factory=Counter)
    failed: Counter[tuple[str, str, int | None]] = field(default_factory=Counter)


def make_calls(
    client: OdsClient,
    plan: Plan,
    recorder: Recorder,
    known: Iterable[tuple[Resource, Mapped | Found]],
    *,
    concurrency: int,
    progress: Progress | None = None,
) -> Outcome:
    """Make the calls of ``plan``, at most ``concurrency`` at a time, and return what came of them.

    ``known`` is what the ODS holds before, as far as the platform knows. A call that fails is recorded and stops nothing
    else. Raises EdreflectError when the ODS answers nothing any more, refuses the login, or the database does not
    take the outcomes; what was confirmed until then is recorded.
    """
    calls = _Calls(client, recorder, known, concurrency=concurrency, tell=partial(progress or _silent, plan.calls))
    for phase in (
        [partial(calls.delete, deletion) for deletion in plan.deletions if deletion.resource.is_association],
        [partial(calls.delete, deletion) for deletion in plan.deletions if not deletion.resource.is_association],
        [partial(calls.write, write) for write in plan.writes if not write.resource.is_association],
    ):
        calls.run(phase)
    cohorts = calls.keys_there(COHORTS)
    calls.run(
        [
            partial(calls.write if write.key[:2] in cohorts else calls.leave_out, write)
            for write in plan.writes
            if write.resource.is_association
        ]
    )
    recorder.settled()
    return calls.outcome


class _Calls:
    def __init__(
        self,
        client: OdsClient,
        recorder: Recorder,
        known: Iterable[tuple[Resource, Mapped | Found]],
        *,
        concurrency: int,
        tell: Callable[[int], None],
    ) -> None:
        self._client, self._recorder = client, recorder
        self._owners = {(resource.name, each.ods_id): each.key for resource, each in known}
        self._concurrency, self._tell = concurrency, tell
        self._done = 0
        self._unanswered = self._looks = 0
        self._lock = threading.Lock()
        self.outcome = Outcome()

    def run(self, calls: Sequence[Callable[[], None]]) -> None:
        """Make calls that do not depend on each other; raises what stops all of them."""
        if not calls:
            return
        with ThreadPoolExecutor(self._concurrency, thread_name_prefix="edfi") as executor:
            waiting: Iterator[Callable[[], None]] = iter(calls)
            running: set[Future[None]] = set()
            # No more than are in flight or next are handed over, so that an error or Ctrl-C leaves nothing behind.
            while running or (running := {executor.submit(call) for call in islice(waiting, 2 * self._concurrency)}):
                finished, running = wait(running, return_when=FIRST_COMPLETED)
                for future in finished:
                    future.result()
                running |= {executor.submit(call) for call in islice(waiting, len(finished))}

    def keys_there(self, resource: Resource) -> set[NaturalKey]:
        """Return the natural keys of a resource type that the ODS holds by now."""
        with self._lock:
            return {key for (name, _), key in self._owners.items() if name == resource.name}

    def delete(self, deletion: Deletion) -> None:
        """DELETE; that it is gone already is as good."""
        try:
            self._client.delete(deletion.resource.name, deletion.ods_id)
        except CallFailed as failure:
            self._failed(deletion, "DELETE", deletion.campus_key, failure)
            return
        with self._lock:
            self._owners.pop((deletion.resource.name, deletion.ods_id), None)
        self._confirmed(deletion, "DELETE", Confirmed(deletion.resource, deletion.ods_id, None))

    def write(self, write: Write) -> None:
        """PUT what the ODS has, POST what it has not; what is gone there against expectation is posted, too."""
        verb, ods_id = _verb(write), write.ods_id or ""
        try:
            if ods_id:
                try:
                    self._client.replace(write.resource.name, ods_id, write.wanted.payload)
                except OdsResourceGone:
                    verb, ods_id = "POST", ""
            if not ods_id:
                ods_id = self._client.upsert(write.resource.name, write.wanted.payload)
        except CallFailed as failure:
            self._failed(write, verb, write.wanted.campus_key, failure)
            return
        with self._lock:
            other = self._owners.setdefault((write.resource.name, ods_id), write.key) != write.key and verb == "POST"
        if other:
            same = "The ODS takes its key for that of another resource that was sent, and has written over it."
            self._failed(write, verb, write.wanted.campus_key, CallFailed(None, same, retryable=False), asked=False)
            return
        self._confirmed(write, verb, Confirmed(write.resource, ods_id, write.wanted))

    def leave_out(self, write: Write) -> None:
        """Record that an association is not sent, because the cohort that it refers to is not there."""
        missing = "The association was not sent, because its cohort could not be written."
        failure = CallFailed(None, missing, retryable=False)
        self._failed(write, _verb(write), write.wanted.campus_key, failure, asked=False)

    def _confirmed(self, call: Deletion | Write, verb: str, outcome: Confirmed) -> None:
        self._recorder.record(outcome)
        with self._lock:
            self._unanswered = self._looks = 0
            self.outcome.confirmed[call.resource.name, verb] += 1
        self._step()

    def _failed(
        self, call: Deletion | Write, verb: str, campus_key: str | None, failure: CallFailed, *, asked: bool = True
    ) -> None:
        self._recorder.record(Failed(call.resource, verb, campus_key, call.key, failure.status, failure.message))
        with self._lock:
            self.outcome.failed[call.resource.name, verb, failure.status] += 1
            if asked:
                works = failure.status is not None and failure.status < 500 and failure.status not in (401, 429)
                self._unanswered = 0 if works else self._unanswered + 1
            doubtful = self._unanswered >= self._concurrency + _PATIENCE
        self._step()
        if doubtful and not self._still_works():
            raise EdreflectError(
                "The ODS did not do any of the last calls (no answer, no login, busy or broken); the others were"
                " not tried. Publish again when it works: what was confirmed is not sent again."
            )

    def _still_works(self) -> bool:
        """Ask the ODS for something harmless: rows that it breaks on, one after the other, are no reason to stop."""
        with self._lock:
            self._unanswered, self._looks = 0, self._looks + 1
            if self._looks > _LOOKS:
                return False
        try:
            self._client.look(COHORTS.name)
        except CallFailed:
            return False
        return True

    def _step(self) -> None:
        with self._lock:
            self._done += 1
            done = self._done
        self._tell(done)


def _verb(write: Write) -> str:
    return "PUT" if write.ods_id else "POST"


def _silent(_total: int, _done: int) -> None:
    """Show nothing."""
