"""What is tried again, how often, and how long is waited in between."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from ods_examples import YEAR, Naps, client, cohort

from edreflect_assets.edfi.client import CallFailed, Retries
from edreflect_assets.edfi.retries import seconds_asked
from edreflect_assets.fake_ods import FakeOds, Fault, RequestInfo

FIRST = 1


class Failing:
    """Gives the data calls a fault so many times; logins pass."""

    def __init__(self, fault: Fault, times: int = FIRST) -> None:
        self.fault, self.left = fault, times

    def __call__(self, request: RequestInfo) -> Fault | None:
        if request.resource == "token" or self.left == 0:
            return None
        self.left -= 1
        return self.fault


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_passing_failure_is_tried_again(ods: FakeOds, status: int) -> None:
    ods.fault = Failing(Fault(status=status), times=4)
    naps = Naps()
    with client(ods, naps=naps) as api:
        assert api.upsert("cohorts", cohort()) in ods.resources(YEAR, "cohorts")
    assert [code for _, _, code in ods.calls] == [status] * 4 + [201]
    assert len(naps) == 4
    assert all(0 <= nap <= 0.5 * 2**number for number, nap in enumerate(naps))


def test_it_is_not_tried_more_often_than_asked_for(ods: FakeOds) -> None:
    ods.fault = Failing(Fault(status=503), times=99)
    with client(ods) as api, pytest.raises(CallFailed) as failed:
        api.upsert("cohorts", cohort())
    assert (failed.value.status, failed.value.retryable) == (503, True)
    assert len(ods.calls) == 5


@pytest.mark.parametrize(("asked", "waited"), [(7, 7.0), ("0", 0.0), (3600, 30.0), ("later", None), ("-5", None)])
def test_the_ods_is_given_the_time_it_asks_for(ods: FakeOds, asked: str | int, waited: float | None) -> None:
    ods.fault = Failing(Fault(status=429, retry_after=asked))
    naps = Naps()
    with client(ods, naps=naps) as api:
        api.upsert("cohorts", cohort())
    assert len(naps) == 1
    assert naps[0] == waited if waited is not None else naps[0] <= 0.5


def test_retry_after_may_be_a_date() -> None:
    now = datetime.now(UTC)
    assert seconds_asked(format_datetime(now - timedelta(hours=1), usegmt=True)) == 0
    soon = seconds_asked(format_datetime(now + timedelta(hours=1), usegmt=True))
    assert soon is not None
    assert 0 < soon <= 3600
    assert seconds_asked("Wed, 21 Oct 2015 07:28:00 -0000") == 0
    assert seconds_asked(None) is None


def test_a_date_far_ahead_is_capped(ods: FakeOds) -> None:
    ods.fault = Failing(Fault(status=503, retry_after="Fri, 31 Dec 2100 23:59:59 GMT"))
    naps = Naps()
    with client(ods, naps=naps) as api:
        api.upsert("cohorts", cohort())
    assert naps == [30.0]


def test_no_pause_reaches_past_the_clock(ods: FakeOds) -> None:
    ods.fault = Failing(Fault(status=429, retry_after=20))
    naps = Naps()
    with client(ods, naps=naps, retries=Retries(clock=20.0)) as api, pytest.raises(CallFailed):
        api.upsert("cohorts", cohort())
    assert (len(ods.calls), naps) == (1, [])


def test_a_dropped_connection_is_opened_again(ods: FakeOds) -> None:
    ods.fault = Failing(Fault(drop_before=True), times=2)
    with client(ods) as api:
        api.upsert("cohorts", cohort())
    assert [code for _, _, code in ods.calls] == [None, None, 201]


def test_a_lost_answer_makes_nothing_twice(ods: FakeOds) -> None:
    with client(ods) as api:
        ods.fault = Failing(Fault(drop_after=True))
        ods_id = api.upsert("cohorts", cohort())
        assert list(ods.resources(YEAR, "cohorts")) == [ods_id]
        ods.fault = Failing(Fault(drop_after=True))
        api.replace("cohorts", ods_id, cohort(cohortDescription="two"))
        ods.fault = Failing(Fault(drop_after=True))
        assert not api.delete("cohorts", ods_id)
    assert [code for _, _, code in ods.calls] == [201, 200, 204, 204, 204, 404]
    assert ods.resources(YEAR, "cohorts") == {}


def test_an_answer_that_does_not_come_in_time_is_asked_for_again(ods: FakeOds) -> None:
    never = threading.Event()
    ods.fault = Failing(Fault(hold=never))
    with client(ods, timeout_seconds=0.5) as api:
        api.upsert("cohorts", cohort())
        ods.fault = Failing(Fault(hold=never), times=99)
        with pytest.raises(CallFailed, match="POST cohorts: no answer came") as failed:
            api.upsert("cohorts", cohort())
    assert (failed.value.status, failed.value.retryable) == (None, True)
    assert failed.value.message == "the ODS did not answer in time"


def test_a_server_that_is_not_there_is_tried_again_and_then_given_up() -> None:
    with FakeOds() as ods:
        pass
    naps = Naps()
    with client(ods, naps=naps) as api, pytest.raises(CallFailed) as failed:
        api.upsert("cohorts", cohort())
    assert (failed.value.status, failed.value.retryable, len(naps)) == (None, True, 4)
    assert failed.value.message == "no connection to the ODS could be made"
