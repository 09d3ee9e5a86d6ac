"""One token for all threads: fetched when needed, renewed by one of them, and a refusal is final."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from ods_examples import KEY, SECRET, YEAR, Clock, Naps, client, cohort

from edreflect_assets.edfi.client import CallFailed, OdsClient, OdsRefusesLogin, Retries
from edreflect_assets.errors import ConfigurationError
from edreflect_assets.fake_ods import FakeOds, Fault, RequestInfo

THREADS = 8


def upsert_together(api: OdsClient) -> None:
    with ThreadPoolExecutor(THREADS) as pool:
        for _ in pool.map(lambda number: api.upsert("cohorts", cohort(f"c{number}")), range(THREADS)):
            pass


def test_the_first_call_logs_in_once_for_all_threads(ods: FakeOds) -> None:
    with client(ods) as api:
        assert ods.tokens_issued == 0
        upsert_together(api)
    assert ods.tokens_issued == 1


def test_a_revoked_token_is_renewed_once_by_all_threads(ods: FakeOds) -> None:
    arrived, all_here = threading.Semaphore(0), threading.Event()

    def together(request: RequestInfo) -> Fault | None:
        if request.resource == "token":
            return None
        arrived.release()
        return Fault(hold=all_here)

    with client(ods) as api:
        api.upsert("cohorts", cohort())
        ods.fault = together
        ods.revoke_tokens()
        ods.reset_calls()
        with ThreadPoolExecutor(1) as pool:
            run = pool.submit(upsert_together, api)
            for _ in range(THREADS):
                arrived.acquire()
            all_here.set()
            run.result()
    assert ods.tokens_issued == 2
    statuses = [status for _, _, status in ods.calls]
    assert (statuses.count(401), statuses.count(201)) == (THREADS, THREADS)


def test_a_token_is_renewed_before_it_expires() -> None:
    clock = Clock()
    with (
        FakeOds(key=KEY, secret=SECRET, token_lifetime=1800, clock=clock) as ods,
        client(ods, clock=clock) as api,
    ):
        api.upsert("cohorts", cohort())
        clock.now += 1739
        upsert_together(api)
        assert ods.tokens_issued == 1
        clock.now += 1
        upsert_together(api)
        assert ods.tokens_issued == 2
        assert 401 not in [status for _, _, status in ods.calls]


def test_a_short_token_is_used_more_than_once() -> None:
    clock = Clock()
    with FakeOds(key=KEY, secret=SECRET, token_lifetime=30, clock=clock) as ods, client(ods, clock=clock) as api:
        upsert_together(api)
        clock.now += 20
        upsert_together(api)
        assert ods.tokens_issued == 1


def test_a_second_401_is_a_failure(ods: FakeOds) -> None:
    ods.fault = lambda request: Fault(status=401) if request.resource == "cohorts" else None
    naps = Naps()
    with client(ods, naps=naps) as api, pytest.raises(CallFailed) as failed:
        api.upsert("cohorts", cohort())
    assert (failed.value.status, failed.value.retryable) == (401, False)
    assert (len(ods.calls), ods.tokens_issued, naps) == (2, 2, [])


def test_a_call_renews_once_even_when_it_is_tried_again(ods: FakeOds) -> None:
    statuses = iter([401, 503, 401, 200])
    ods.fault = lambda request: Fault(status=next(statuses)) if request.resource == "cohorts" else None
    with client(ods) as api, pytest.raises(CallFailed, match="401"):
        api.upsert("cohorts", cohort())
    assert (len(ods.calls), ods.tokens_issued) == (3, 2)


def test_a_refused_key_stops_everything() -> None:
    logins: list[RequestInfo] = []
    with FakeOds(key=KEY, secret="another") as ods, client(ods) as api:
        ods.fault = logins.append
        for _ in range(3):
            with pytest.raises(OdsRefusesLogin, match=r"^org springfield: .* answers 401; check .*ODS_KEY.*\.$"):
                api.upsert("cohorts", cohort())
        assert (len(logins), ods.calls) == (1, [])
    assert issubclass(OdsRefusesLogin, ConfigurationError)


def test_a_refusal_in_the_middle_stops_everything_too(ods: FakeOds) -> None:
    with client(ods) as api:
        api.upsert("cohorts", cohort())
        ods.revoke_tokens()
        ods.fault = lambda request: Fault(status=401) if request.resource == "token" else None
        for _ in range(2):
            with pytest.raises(OdsRefusesLogin):
                api.upsert("cohorts", cohort())
    assert len(ods.calls) == 2


@pytest.mark.parametrize("fault", [Fault(status=503), Fault(status=429, retry_after=0), Fault(drop_before=True)])
def test_a_login_that_fails_in_passing_is_tried_again(ods: FakeOds, fault: Fault) -> None:
    faults = [fault, fault]
    ods.fault = lambda request: faults.pop() if faults else None
    with client(ods) as api:
        assert api.upsert("cohorts", cohort()) in ods.resources(YEAR, "cohorts")
    assert (faults, ods.tokens_issued) == ([], 1)


def test_a_login_is_given_up_after_the_same_number_of_attempts(ods: FakeOds) -> None:
    logins: list[RequestInfo] = []
    ods.fault = lambda request: logins.append(request) or Fault(status=500)  # type: ignore[func-returns-value]
    with client(ods, retries=Retries(attempts=3)) as api, pytest.raises(CallFailed, match="POST token"):
        api.upsert("cohorts", cohort())
    assert (len(logins), ods.calls) == (3, [])


@pytest.mark.parametrize(
    "body",
    [{}, {"access_token": ""}, {"access_token": 5}, {"access_token": "a\nb"}, {"error": "x"}, "<html>", [], None],
)
def test_an_answer_without_a_token_is_a_refusal(ods: FakeOds, body: Any) -> None:
    ods.fault = lambda request: Fault(status=200, body=body)
    with client(ods) as api, pytest.raises(OdsRefusesLogin, match="answers without a token"):
        api.upsert("cohorts", cohort())


def test_a_token_without_a_lifetime_is_used_until_it_is_refused(ods: FakeOds) -> None:
    with client(ods) as api:
        api.upsert("cohorts", cohort())
        token = api._tokens.current().value
    ods.fault = lambda request: (
        Fault(status=200, body={"access_token": token, "token_type": "Bearer"}) if request.resource == "token" else None
    )
    clock = Clock()
    with client(ods, clock=clock) as api:
        api.upsert("cohorts", cohort())
        clock.now += 10**9
        api.upsert("cohorts", cohort())
    assert ods.tokens_issued == 1
