"""What the client of an ODS does with each verb, how it lists, and what it says when a call fails."""

from __future__ import annotations

import copy
import logging
import pickle
import traceback
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from ods_examples import DISTRICT, KEY, SECRET, YEAR, Naps, client, cohort, staff, student

from edreflect_assets.edfi.client import CallFailed, OdsRefusesLogin, OdsResourceGone, StillReferenced
from edreflect_assets.fake_ods import FakeOds, Fault, RequestInfo

NOWHERE = "0" * 32


def test_an_upsert_creates_and_updates_and_returns_the_id(ods: FakeOds) -> None:
    with client(ods) as api:
        ids = [api.upsert("cohorts", cohort(cohortDescription=text)) for text in ("one", "Größe, naïve, 学校")]
    assert ids[0] == ids[1]
    assert ods.resources(YEAR, "cohorts") == {ids[0]: cohort(cohortDescription="Größe, naïve, 学校")}
    assert ods.calls == [("POST", "cohorts", 201), ("POST", "cohorts", 200)]


def test_a_replacement_leaves_nothing_of_what_was_there(ods: FakeOds) -> None:
    with client(ods) as api:
        ods_id = api.upsert("cohorts", cohort(cohortDescription="one"))
        api.replace("cohorts", ods_id, cohort())
        assert ods.resources(YEAR, "cohorts") == {ods_id: cohort()}
        with pytest.raises(OdsResourceGone):
            api.replace("cohorts", NOWHERE, cohort())


def test_a_deletion_tells_whether_there_was_something(ods: FakeOds) -> None:
    with client(ods) as api:
        ods_id = api.upsert("cohorts", cohort())
        assert api.delete("cohorts", ods_id)
        assert not api.delete("cohorts", ods_id)
    assert ods.writes() == 3


def test_a_reference_in_the_way_is_told_apart(ods: FakeOds) -> None:
    with client(ods) as api:
        with pytest.raises(StillReferenced):
            api.upsert("studentCohortAssociations", student())
        ods_id = api.upsert("cohorts", cohort())
        api.upsert("studentCohortAssociations", student())
        with pytest.raises(StillReferenced) as failed:
            api.delete("cohorts", ods_id)
    assert (failed.value.status, failed.value.retryable) == (409, False)
    assert "StudentCohortAssociation" in failed.value.message


@pytest.mark.parametrize(("total", "calls"), [(0, 1), (1, 1), (499, 1), (500, 1), (501, 2), (1000, 3)])
def test_a_listing_has_every_item_once(ods: FakeOds, total: int, calls: int) -> None:
    ids = [ods.put_directly(YEAR, "cohorts", cohort(f"c{number}")) for number in range(total)]
    ods.put_directly(YEAR, "cohorts", cohort(district=1))
    with client(ods) as api:
        items = list(api.list_all("cohorts", districts=[DISTRICT]))
    assert [item["id"] for item in items] == ids
    assert ods.calls == [("GET", "cohorts", 200)] * calls


@pytest.mark.parametrize("page_size", [2, 3, 10, 11])
def test_pages_may_have_any_size_from_two_on(ods: FakeOds, page_size: int) -> None:
    ids = [ods.put_directly(YEAR, "cohorts", cohort(f"c{number}")) for number in range(10)]
    with client(ods, page_size=page_size) as api:
        assert [item["id"] for item in api.list_all("cohorts", districts=[DISTRICT])] == ids
    with pytest.raises(ValueError, match="two"):
        client(ods, page_size=1)


@pytest.mark.parametrize(
    ("resource", "make"), [("studentCohortAssociations", student), ("staffCohortAssociations", staff)]
)
def test_associations_are_listed_by_the_district_of_their_cohort(ods: FakeOds, resource: str, make: Any) -> None:
    ids = {district: ods.put_directly(YEAR, resource, make(district=district)) for district in (1, 2, 3)}
    with client(ods) as api:
        assert [item["id"] for item in api.list_all(resource, districts=[3, 1, 3])] == [ids[3], ids[1]]
        assert list(api.list_all(resource, districts=[])) == []


def test_a_listing_that_grows_while_it_is_read_is_read_again(ods: FakeOds) -> None:
    ids = [ods.put_directly(YEAR, "cohorts", cohort(f"c{number}")) for number in range(4)]

    def grow(request: RequestInfo) -> None:
        if request.query.get("offset") != "0" and len(ids) == 4:
            ids.append(ods.put_directly(YEAR, "cohorts", cohort("late")))

    with client(ods, page_size=3) as api:
        api.upsert("cohorts", cohort("c0"))
        ods.fault = grow
        assert [item["id"] for item in api.list_all("cohorts", districts=[DISTRICT])] == ids


def test_a_listing_that_moves_under_an_equal_total_is_read_again(ods: FakeOds) -> None:
    ids = [ods.put_directly(YEAR, "cohorts", cohort(f"c{number}")) for number in range(5)]
    gone = ids[0]

    def move(request: RequestInfo) -> None:
        if request.query.get("offset") != "0" and gone in ids:
            ods.delete_directly(YEAR, "cohorts", gone)
            ids.remove(gone)
            ids.append(ods.put_directly(YEAR, "cohorts", cohort("late")))

    with client(ods, page_size=3) as api:
        api.upsert("cohorts", cohort("c1"))
        ods.fault = move
        assert [item["id"] for item in api.list_all("cohorts", districts=[DISTRICT])] == ids


def test_a_listing_that_never_stands_still_fails(ods: FakeOds) -> None:
    for number in range(4):
        ods.put_directly(YEAR, "cohorts", cohort(f"c{number}"))

    def grow(request: RequestInfo) -> None:
        if request.method == "GET":
            ods.put_directly(YEAR, "cohorts", cohort(f"late {len(ods.calls)}"))

    ods.fault = grow
    with client(ods, page_size=3) as api, pytest.raises(CallFailed) as failed:
        list(api.list_all("cohorts", districts=[DISTRICT]))
    assert failed.value.retryable
    assert len(ods.calls) == 10


@pytest.mark.parametrize(
    "body",
    [
        [cohort(district=1) | {"id": NOWHERE}],
        [cohort()],
        [{"id": NOWHERE}],
        [None],
        {},
        {"message": "hello"},
        "no json",
    ],
)
def test_an_answer_that_is_no_listing_of_the_district_is_refused(ods: FakeOds, body: Any) -> None:
    ods.fault = lambda request: Fault(status=200, body=body) if request.method == "GET" else None
    with client(ods) as api, pytest.raises(CallFailed) as failed:
        list(api.list_all("cohorts", districts=[DISTRICT]))
    assert not failed.value.retryable


def test_an_id_is_taken_from_location_only(ods: FakeOds) -> None:
    ods.fault = lambda request: Fault(status=201) if request.resource == "cohorts" else None
    with client(ods) as api, pytest.raises(CallFailed, match="POST cohorts: the ODS answered 201"):
        api.upsert("cohorts", cohort())


@pytest.mark.parametrize("standard", ["4.0", "5.0"])
def test_what_the_ods_says_is_kept_apart_from_the_error(standard: str) -> None:
    payload = cohort(cohortTypeDescriptor="Maria Lopez")
    with FakeOds(standard, key=KEY, secret=SECRET) as ods, client(ods) as api, pytest.raises(CallFailed) as failed:
        api.upsert("cohorts", payload)
    error = failed.value
    assert str(error) == "POST cohorts: the ODS answered 400."
    assert "Validation of 'Cohort' failed." in error.message
    assert "'Maria Lopez' does not exist" in error.message
    assert "Maria" not in repr(error) + "".join(traceback.format_exception(error))
    for other in (copy.copy(error), pickle.loads(pickle.dumps(error))):
        assert (str(other), other.message, other.status, other.retryable) == (str(error), error.message, 400, False)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"message": "x" * 600}, "x" * 500),
        ({"detail": "Bad.", "errors": ["one", "two"]}, "Bad. one two"),
        ({"detail": "a\0b \ud800"}, "ab ?"),
        ({"detail": {"odd": 1}}, '{"odd": 1}'),
        ({}, ""),
        ([1], "[1]"),
        ("<html>Bad gateway</html>", "<html>Bad gateway</html>"),
        (b"\xff\xfe", None),
        (None, ""),
    ],
)
def test_any_body_makes_a_message_that_fits_a_text_column(ods: FakeOds, body: Any, message: str | None) -> None:
    ods.fault = lambda request: Fault(status=403, body=body) if request.resource == "cohorts" else None
    with client(ods) as api, pytest.raises(CallFailed) as failed:
        api.upsert("cohorts", cohort())
    assert message in {failed.value.message, None}
    failed.value.message.encode()


@pytest.mark.parametrize("status", [300, 302, 400, 403, 404, 409, 412])
def test_what_stays_wrong_is_not_tried_again(ods: FakeOds, status: int) -> None:
    ods.fault = lambda request: Fault(status=status) if request.resource == "cohorts" else None
    naps = Naps()
    with client(ods, naps=naps) as api, pytest.raises(CallFailed) as failed:
        api.upsert("cohorts", cohort())
    assert (failed.value.status, failed.value.retryable) == (status, False)
    assert (len(ods.calls), naps) == (1, [])


def test_threads_share_a_client_within_its_concurrency(ods: FakeOds) -> None:
    with client(ods, concurrency=3) as api, ThreadPoolExecutor(8) as pool:
        ids = set(pool.map(lambda number: api.upsert("cohorts", cohort(f"c{number}")), range(40)))
    assert ids == set(ods.resources(YEAR, "cohorts"))
    assert len(ids) == 40
    assert ods.max_in_flight <= 3
    assert ods.tokens_issued == 1


def test_secrets_are_in_no_log_repr_or_error(ods: FakeOds, caplog: pytest.LogCaptureFixture) -> None:
    for name in (None, "httpx", "httpcore", "httpcore.http11", "httpcore.connection", "authlib"):
        caplog.set_level(logging.DEBUG, logger=name)
    shown: list[str] = []

    def failing(api: Any, *arguments: Any) -> None:
        with pytest.raises((CallFailed, OdsRefusesLogin)) as failed:
            api.upsert(*arguments)
        error = failed.value
        shown.append(f"{error!r} {error} {error.args} {getattr(error, 'message', '')}")
        shown.append("".join(traceback.format_exception(error)))

    with client(ods) as api:
        api.upsert("cohorts", cohort())
        token = api._tokens.current().value
        shown.append(f"{api!r} {api.connection!r} {api._tokens!r} {api._tokens.current()!r} {api._http!r}")
        echo = f"you sent {token} for {KEY} and {SECRET}"
        ods.fault = lambda request: Fault(status=400, body={"message": echo}, drop_before=len(ods.calls) % 2 == 0)
        failing(api, "cohorts", cohort("x" * 99))
        ods.fault = lambda request: Fault(status=401, body=echo) if request.resource == "cohorts" else None
        failing(api, "cohorts", cohort())
        tokens = [token, api._tokens.current().value]
    echo = f"you sent {KEY} and {SECRET}"
    ods.fault = lambda request: Fault(status=503, body=echo)
    with client(ods) as api:
        failing(api, "cohorts", cohort())
    ods.fault = lambda request: Fault(status=401, body={"error": "invalid_client", "error_description": echo})
    with client(ods) as api:
        failing(api, "cohorts", cohort())
    for odd in ("marked-token\n", "marked-tokén"):
        ods.fault = lambda request, odd=odd: Fault(status=200, body={"access_token": odd, "expires_in": 60})
        with client(ods) as api:
            failing(api, "cohorts", cohort())
    text = caplog.text + "".join(shown)
    assert "httpcore" in caplog.text
    for secret in (KEY, SECRET, "marked-tok", b64encode(f"{KEY}:{SECRET}".encode()).decode(), *tokens):
        assert secret not in text
