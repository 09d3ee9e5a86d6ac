"""The fake ODS keeps the rules of a real one, and fails as it is told."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from ods_examples import DISTRICT, KEY, SECRET, YEAR, Clock, cohort, staff, student

from edreflect_assets.fake_ods import FAKE_KEY, FAKE_SECRET, FakeOds, Fault

Open = Callable[..., "Session"]


class Session:
    """Plain HTTP with a token of the fake ODS."""

    def __init__(self, ods: FakeOds) -> None:
        self.http = httpx.Client(base_url=ods.url, trust_env=False)
        self.log_in(ods)

    def log_in(self, ods: FakeOds) -> None:
        answer = self.http.post(
            "/oauth/token", auth=(ods.key, ods.secret), data={"grant_type": "client_credentials"}, headers={}
        )
        self.http.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    def __call__(self, method: str, path: str, payload: Any = None, year: int = YEAR, **query: Any) -> httpx.Response:
        return self.http.request(method, f"/data/v3/{year}/ed-fi/{path}", json=payload, params=query)


@pytest.fixture
def call(ods: FakeOds) -> Iterator[Session]:
    session = Session(ods)
    yield session
    session.http.close()


@pytest.fixture
def started() -> Iterator[Open]:
    """Start a server with other options and return a session with it."""
    running: list[tuple[FakeOds, Session]] = []

    def start(**options: Any) -> Session:
        ods = FakeOds(**options).__enter__()
        running.append((ods, Session(ods)))
        return running[-1][1]

    yield start
    for ods, session in running:
        session.http.close()
        ods.__exit__(None, None, None)


def id_of(answer: httpx.Response) -> str:
    return str(answer.headers["Location"]).rpartition("/")[2]


def test_a_token_is_given_for_key_and_secret_in_the_header_or_the_form(ods: FakeOds) -> None:
    url, grant = f"{ods.url}/oauth/token", {"grant_type": "client_credentials"}
    answers = [
        httpx.post(url, auth=(KEY, SECRET), data=grant),
        httpx.post(url, data=grant | {"client_id": KEY, "client_secret": SECRET}),
    ]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json().keys() == {"access_token", "expires_in", "token_type"}
    assert answers[0].json()["token_type"] == "bearer"
    assert ods.tokens_issued == 2


@pytest.mark.parametrize("login", [(KEY, "wrong"), ("wrong", SECRET), ("", "")])
def test_a_wrong_key_gets_no_token(ods: FakeOds, login: tuple[str, str]) -> None:
    answer = httpx.post(f"{ods.url}/oauth/token", auth=login, data={"grant_type": "client_credentials"})
    assert (answer.status_code, answer.json()) == (401, {"error": "invalid_client"})


def test_other_grants_are_refused(ods: FakeOds) -> None:
    assert httpx.post(f"{ods.url}/oauth/token", auth=(KEY, SECRET), data={"grant_type": "password"}).status_code == 400


def test_without_a_valid_token_nothing_is_answered(ods: FakeOds, call: Session) -> None:
    assert call("GET", "cohorts").status_code == 200
    ods.revoke_tokens()
    answer = call("GET", "cohorts")
    assert answer.status_code == 401
    assert answer.json()["type"] == "urn:ed-fi:api:security:authentication"
    call.log_in(ods)
    assert call("GET", "cohorts").status_code == 200
    assert httpx.get(f"{ods.url}/data/v3/{YEAR}/ed-fi/cohorts").status_code == 401


def test_a_token_expires(started: Open) -> None:
    clock = Clock()
    call = started(token_lifetime=60, clock=clock)
    clock.now += 59
    assert call("GET", "cohorts").status_code == 200
    clock.now += 1
    assert call("GET", "cohorts").status_code == 401


def test_a_post_creates_and_then_updates_what_has_the_same_key(ods: FakeOds, call: Session) -> None:
    created, updated = (call("POST", "cohorts", cohort(cohortDescription=text)) for text in ("one", "two"))
    assert (created.status_code, updated.status_code) == (201, 200)
    assert created.headers["Location"] == updated.headers["Location"]
    assert created.headers["Location"] == f"{ods.url}/data/v3/{YEAR}/ed-fi/cohorts/{id_of(created)}"
    assert re.fullmatch("[0-9a-f]{32}", id_of(created))
    assert ods.resources(YEAR, "cohorts") == {id_of(created): cohort(cohortDescription="two")}


@pytest.mark.parametrize("other", [cohort("Chess Club"), cohort(district=255902)])
def test_another_key_is_another_cohort(call: Session, other: dict[str, Any]) -> None:
    assert id_of(call("POST", "cohorts", cohort())) != id_of(call("POST", "cohorts", other))


@pytest.mark.parametrize(
    ("resource", "make"), [("studentCohortAssociations", student), ("staffCohortAssociations", staff)]
)
def test_an_association_is_known_by_cohort_person_and_begin(
    ods: FakeOds, call: Session, resource: str, make: Callable[..., dict[str, Any]]
) -> None:
    assert call("POST", resource, make()).status_code == 409
    call("POST", "cohorts", cohort())
    answers = [
        call("POST", resource, make()),
        call("POST", resource, make() | {"endDate": "2026-05-01"}),
        call("POST", resource, make("999")),
        call("POST", resource, make() | {"beginDate": "2025-10-01"}),
    ]
    assert [answer.status_code for answer in answers] == [201, 200, 201, 201]
    assert len(ods.resources(YEAR, resource)) == 3


def test_each_year_has_its_own_store(ods: FakeOds, call: Session) -> None:
    assert id_of(call("POST", "cohorts", cohort())) != id_of(call("POST", "cohorts", cohort(), year=2027))
    assert len(ods.resources(2026, "cohorts")) == len(ods.resources(2027, "cohorts")) == 1
    assert ods.resources(2028, "cohorts") == {}


def test_a_put_replaces_the_whole_but_not_the_key(ods: FakeOds, call: Session) -> None:
    ods_id = id_of(call("POST", "cohorts", cohort(cohortDescription="one")))
    assert call("PUT", f"cohorts/{ods_id}", cohort()).status_code == 204
    assert ods.resources(YEAR, "cohorts")[ods_id] == cohort()
    refused = call("PUT", f"cohorts/{ods_id}", cohort("Chess Club"))
    assert (refused.status_code, "cannot be changed" in refused.json()["detail"]) == (400, True)
    assert call("PUT", f"cohorts/{'0' * 32}", cohort()).status_code == 404


def test_a_cohort_can_be_deleted_once_nothing_refers_to_it(ods: FakeOds, call: Session) -> None:
    ods_id = id_of(call("POST", "cohorts", cohort()))
    association = id_of(call("POST", "studentCohortAssociations", student()))
    refused = call("DELETE", f"cohorts/{ods_id}")
    assert (refused.status_code, "'StudentCohortAssociation'" in refused.json()["detail"]) == (409, True)
    assert call("DELETE", f"studentCohortAssociations/{association}").status_code == 204
    assert call("DELETE", f"cohorts/{ods_id}").status_code == 204
    assert call("DELETE", f"cohorts/{ods_id}").status_code == 404
    assert ods.resources(YEAR, "cohorts") == {}


def test_an_item_carries_id_etag_and_links(call: Session) -> None:
    ods_id = id_of(call("POST", "cohorts", cohort()))
    association = id_of(call("POST", "studentCohortAssociations", student()))
    item = call("GET", f"studentCohortAssociations/{association}").json()
    assert item["id"] == association
    assert item["cohortReference"]["link"] == {"rel": "Cohort", "href": f"/ed-fi/cohorts/{ods_id}"}
    assert item["studentReference"]["link"]["rel"] == "Student"
    before = call("GET", f"cohorts/{ods_id}").json()["_etag"]
    call("POST", "cohorts", cohort())
    assert call("GET", f"cohorts/{ods_id}").json()["_etag"] == before
    call("POST", "cohorts", cohort(cohortDescription="other"))
    assert call("GET", f"cohorts/{ods_id}").json()["_etag"] != before
    assert call("GET", f"cohorts/{'0' * 32}").status_code == 404


def test_what_get_answers_can_be_put_again(ods: FakeOds, call: Session) -> None:
    ods_id = id_of(call("POST", "cohorts", cohort()))
    assert call("PUT", f"cohorts/{ods_id}", call("GET", f"cohorts/{ods_id}").json()).status_code == 204
    assert "id" not in ods.resources(YEAR, "cohorts")[ods_id]


def test_a_collection_is_read_in_pages_in_the_order_of_creation(ods: FakeOds, call: Session) -> None:
    ids = [ods.put_directly(YEAR, "cohorts", cohort(f"c{number}")) for number in range(501)]
    first = call("GET", "cohorts", totalCount="true")
    assert [item["id"] for item in first.json()] == ids[:25]
    assert first.headers["Total-Count"] == "501"
    last = call("GET", "cohorts", limit=500, offset=500)
    assert [item["id"] for item in last.json()] == ids[500:]
    assert "Total-Count" not in last.headers
    assert call("GET", "cohorts", offset=501).json() == []
    for wrong in ({"limit": 501}, {"limit": -1}, {"offset": "x"}):
        assert call("GET", "cohorts", **wrong).status_code == 400


def test_a_collection_is_filtered_by_district_and_identifier(ods: FakeOds, call: Session) -> None:
    for name, district in (("a", 1), ("b", 1), ("a", 2)):
        ods.put_directly(YEAR, "cohorts", cohort(name, district))
        ods.put_directly(YEAR, "staffCohortAssociations", staff("7", name, district))
    for resource in ("cohorts", "staffCohortAssociations"):
        assert len(call("GET", resource, educationOrganizationId=1).json()) == 2
        assert len(call("GET", resource, cohortIdentifier="a").json()) == 2
        both = call("GET", resource, educationOrganizationId=2, cohortIdentifier="a", totalCount="true")
        assert (len(both.json()), both.headers["Total-Count"]) == (1, "1")


@pytest.mark.parametrize(
    ("resource", "payload", "member"),
    [
        ("cohorts", {"cohortIdentifier": None}, "cohortIdentifier"),
        ("cohorts", {"cohortIdentifier": ""}, "cohortIdentifier"),
        ("cohorts", {"cohortIdentifier": "x" * 37}, "cohortIdentifier"),
        ("cohorts", {"cohortTypeDescriptor": None}, "cohortTypeDescriptor"),
        ("cohorts", {"cohortTypeDescriptor": "Other"}, "cohortTypeDescriptor"),
        ("cohorts", {"cohortScopeDescriptor": "District"}, "cohortScopeDescriptor"),
        ("cohorts", {"cohortDescription": "x" * 1025}, "cohortDescription"),
        ("cohorts", {"educationOrganizationReference": None}, "educationOrganizationReference.educationOrganizationId"),
        (
            "cohorts",
            {"educationOrganizationReference": {"educationOrganizationId": "255901"}},
            "educationOrganizationReference.educationOrganizationId",
        ),
        ("studentCohortAssociations", {"beginDate": None}, "beginDate"),
        ("studentCohortAssociations", {"beginDate": "09/01/2025"}, "beginDate"),
        ("studentCohortAssociations", {"endDate": "2025-02-30"}, "endDate"),
        ("studentCohortAssociations", {"endDate": "20250228"}, "endDate"),
        ("studentCohortAssociations", {"studentReference": {}}, "studentReference.studentUniqueId"),
        ("studentCohortAssociations", {"cohortReference": "x"}, "cohortReference.cohortIdentifier"),
    ],
)
def test_an_invalid_payload_is_refused(
    ods: FakeOds, call: Session, resource: str, payload: dict[str, Any], member: str
) -> None:
    call("POST", "cohorts", cohort())
    whole = cohort("Chess Club") if resource == "cohorts" else student()
    answer = call("POST", resource, whole | payload)
    assert answer.status_code == 400
    assert f"$.{member}" in answer.json()["validationErrors"]
    assert answer.json().keys() == {"detail", "type", "title", "status", "correlationId", "validationErrors"}
    assert len(ods.resources(YEAR, "cohorts")) == 1
    assert ods.resources(YEAR, "studentCohortAssociations") == {}


def test_a_body_that_is_no_json_object_is_refused_and_unknown_members_are_not(call: Session) -> None:
    assert call("POST", "cohorts", [cohort()]).status_code == 400
    assert call.http.post(f"/data/v3/{YEAR}/ed-fi/cohorts", content=b"{").status_code == 400
    assert call("POST", "cohorts", cohort(somethingElse=1)).status_code == 201


@pytest.mark.parametrize(("standard", "longest"), [("3.3", 20), ("4.0", 20), ("5.0", 36), ("6.0", 36)])
def test_each_standard_has_its_limit_and_words(started: Open, standard: str, longest: int) -> None:
    call = started(standard=standard)
    assert call("POST", "cohorts", cohort("x" * longest)).status_code == 201
    refused = call("POST", "cohorts", cohort("x" * (longest + 1)))
    assert refused.status_code == 400
    assert ("message" in refused.json()) == (longest == 20)
    assert f"maximum length of {longest}" in refused.text


def test_there_is_no_other_standard() -> None:
    with pytest.raises(ValueError, match=r"3\.2"):
        FakeOds(standard="3.2")


def test_other_districts_are_forbidden(started: Open) -> None:
    call = started(districts={DISTRICT})
    assert call("POST", "cohorts", cohort(district=1)).status_code == 403
    assert call("POST", "cohorts", cohort()).status_code == 201


def test_other_paths_and_methods_are_refused(call: Session) -> None:
    assert call("GET", "students").status_code == 404
    assert call.http.get("/data/v3/ed-fi/cohorts").status_code == 404
    assert call("PATCH", "cohorts", cohort()).status_code == 405


def test_calls_are_counted_and_logins_are_not(ods: FakeOds, call: Session) -> None:
    ods_id = id_of(call("POST", "cohorts", cohort()))
    call("GET", "cohorts")
    call("DELETE", f"cohorts/{ods_id}")
    call("PUT", f"cohorts/{ods_id}", cohort())
    assert ods.calls == [
        ("POST", "cohorts", 201),
        ("GET", "cohorts", 200),
        ("DELETE", "cohorts", 204),
        ("PUT", "cohorts", 404),
    ]
    assert ods.writes() == 3
    ods.reset_calls()
    assert (ods.calls, ods.writes()) == ([], 0)


def test_the_most_calls_at_one_time_are_counted(ods: FakeOds, call: Session) -> None:
    together, release = threading.Semaphore(0), threading.Event()

    def hold(request: object) -> Fault:
        together.release()
        return Fault(hold=release)

    ods.fault = hold
    with ThreadPoolExecutor(3) as pool:
        answers = [pool.submit(call, "GET", "cohorts") for _ in range(3)]
        for _ in answers:
            together.acquire()
        release.set()
        assert [answer.result().status_code for answer in answers] == [200] * 3
    assert ods.max_in_flight == 3
    ods.reset_calls()
    assert ods.max_in_flight == 0


def test_drift_passes_every_rule(ods: FakeOds, call: Session) -> None:
    orphan = ods.put_directly(YEAR, "studentCohortAssociations", student())
    assert "link" not in call("GET", f"studentCohortAssociations/{orphan}").json()["cohortReference"]
    ods_id = ods.put_directly(YEAR, "cohorts", cohort())
    assert ods.put_directly(YEAR, "cohorts", cohort(cohortDescription="two")) == ods_id
    ods.delete_directly(YEAR, "cohorts", ods_id)
    assert call("GET", f"cohorts/{ods_id}").status_code == 404
    assert id_of(call("POST", "cohorts", cohort())) != ods_id
    assert ods.writes() == 1
    with pytest.raises(KeyError):
        ods.delete_directly(YEAR, "cohorts", ods_id)


def test_a_fault_answers_instead_of_the_ods(ods: FakeOds, call: Session) -> None:
    ods.fault = lambda request: Fault(status=429, body={"message": "slow down"}, retry_after=7)
    answer = call("POST", "cohorts", cohort())
    assert (answer.status_code, answer.json(), answer.headers["Retry-After"]) == (429, {"message": "slow down"}, "7")
    assert ods.resources(YEAR, "cohorts") == {}
    assert ods.calls == [("POST", "cohorts", 429)]


def test_a_fault_sees_the_request(ods: FakeOds, call: Session) -> None:
    seen: list[Any] = []
    ods.fault = seen.append
    call("POST", "cohorts", cohort())
    call("DELETE", f"cohorts/{'0' * 32}")
    call("GET", "cohorts", limit=3)
    call.log_in(ods)
    assert [(it.method, it.resource, it.year, it.ods_id) for it in seen] == [
        ("POST", "cohorts", YEAR, None),
        ("DELETE", "cohorts", YEAR, "0" * 32),
        ("GET", "cohorts", YEAR, None),
        ("POST", "token", None, None),
    ]
    assert seen[0].payload == cohort()
    assert seen[2].query == {"limit": "3"}


def test_a_dropped_connection_before_the_work_and_a_lost_answer_after_it(ods: FakeOds, call: Session) -> None:
    ods.fault = lambda request: Fault(drop_before=True)
    with pytest.raises(httpx.TransportError):
        call("POST", "cohorts", cohort())
    assert ods.resources(YEAR, "cohorts") == {}
    ods.fault = lambda request: Fault(drop_after=True)
    with pytest.raises(httpx.TransportError):
        call("POST", "cohorts", cohort())
    assert len(ods.resources(YEAR, "cohorts")) == 1
    assert ods.calls == [("POST", "cohorts", None), ("POST", "cohorts", 201)]


def test_a_server_ends_while_a_call_waits(caplog: pytest.LogCaptureFixture) -> None:
    with ThreadPoolExecutor(1) as pool:
        with FakeOds() as ods:
            session, arrived = Session(ods), threading.Event()
            ods.fault = lambda request: arrived.set() or Fault(delay=3600)  # type: ignore[func-returns-value]
            waiting = pool.submit(session, "GET", "cohorts")
            arrived.wait()
        assert isinstance(waiting.exception(), httpx.TransportError)
    assert not [record for record in caplog.records if record.name.startswith("uvicorn")]


def test_it_runs_as_a_process_of_its_own() -> None:
    command = [sys.executable, "-m", "edreflect_assets.fake_ods", "--port", "0", "--latency-ms", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        answer = httpx.post(
            f"{url}/oauth/token", auth=(FAKE_KEY, FAKE_SECRET), data={"grant_type": "client_credentials"}
        )
        process.terminate()
        assert (answer.status_code, process.wait()) == (200, 0)
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+", url)
