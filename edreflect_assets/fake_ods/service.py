"""The fake ODS without HTTP: who may do what, and what every request answers."""

from __future__ import annotations

import base64
import binascii
import copy
import hmac
import secrets
import threading
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from edreflect_assets.fake_ods import rules
from edreflect_assets.fake_ods.faults import RequestInfo
from edreflect_assets.fake_ods.store import YearStore

DEFAULT_LIMIT, MAX_LIMIT = 25, 500
WRITES = frozenset({"POST", "PUT", "DELETE"})


@dataclass(frozen=True)
class Answer:
    """A status, a JSON body (None: none) and headers."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


class Service:
    """Stores, tokens and counters of one fake ODS; every method may be called from any thread."""

    def __init__(
        self,
        standard: str,
        *,
        key: str,
        secret: str,
        token_lifetime: float,
        districts: Collection[int] | None,
        clock: Callable[[], float],
    ) -> None:
        self.standard = standard
        self.token_lifetime = token_lifetime
        self.districts = districts
        self._key, self._secret, self._clock = key, secret, clock
        self._lock = threading.RLock()
        self._stores: defaultdict[int, YearStore] = defaultdict(YearStore)
        self._tokens: dict[str, float] = {}
        self.tokens_issued = 0

    def log_in(self, authorization: str, form: Mapping[str, str]) -> Answer:
        """Answer a request for a token, with the key and secret in the header or in the form."""
        if form.get("grant_type") != "client_credentials":
            return Answer(400, {"error": "unsupported_grant_type"})
        key, secret = _basic(authorization) or (form.get("client_id", ""), form.get("client_secret", ""))
        right = hmac.compare_digest(key.encode(), self._key.encode())
        if not (hmac.compare_digest(secret.encode(), self._secret.encode()) and right):
            return Answer(401, {"error": "invalid_client"})
        token = secrets.token_hex(16)
        with self._lock:
            self._tokens[token] = self._clock() + self.token_lifetime
            self.tokens_issued += 1
        return Answer(200, {"access_token": token, "expires_in": self.token_lifetime, "token_type": "bearer"})

    def revoke_tokens(self) -> None:
        """Make every token invalid that was issued so far."""
        with self._lock:
            self._tokens.clear()

    def answer(self, request: RequestInfo, base: str, authorization: str) -> Answer:
        """Do what a request for a resource asks; ``base`` is the collection's URL."""
        try:
            with self._lock:
                scheme, _, token = authorization.partition(" ")
                if scheme.lower() != "bearer" or self._tokens.get(token, 0.0) <= self._clock():
                    raise rules.unauthenticated()
                if request.resource not in rules.RESOURCES or request.year is None:
                    raise rules.not_found()
                return self._of_collection(request, base) if request.ods_id is None else self._of_item(request)
        except rules.Problem as problem:
            return Answer(problem.status, problem.body(self.standard))

    def resources(self, year: int, resource: str) -> dict[str, rules.Payload]:
        """Return copies of all payloads by id, in the order of creation."""
        with self._lock:
            return copy.deepcopy(dict(self._stores[year].payloads(resource)))

    def put_directly(self, year: int, resource: str, payload: rules.Payload) -> str:
        """Create or replace by natural key without any rule; return the id."""
        with self._lock:
            return self._stores[year].put(resource, copy.deepcopy(payload))[0]

    def delete_directly(self, year: int, resource: str, ods_id: str) -> None:
        """Delete without any rule; raises KeyError for an unknown id."""
        with self._lock:
            self._stores[year].remove(resource, ods_id)

    def _of_collection(self, request: RequestInfo, base: str) -> Answer:
        assert request.year is not None
        store = self._stores[request.year]
        if request.method == "GET":
            return self._page(store, request)
        if request.method != "POST":
            return Answer(405)
        payload = rules.check(request.resource, request.payload, self.standard)
        self._authorize(request.resource, payload)
        self._check_cohort(store, request.resource, payload)
        ods_id, created = store.put(request.resource, payload)
        return Answer(201 if created else 200, None, {"Location": f"{base}/{ods_id}"})

    def _of_item(self, request: RequestInfo) -> Answer:
        assert request.year is not None
        assert request.ods_id is not None
        store, resource, ods_id = self._stores[request.year], request.resource, request.ods_id
        item = store.items[resource].get(ods_id)
        if item is None:
            raise rules.not_found()
        self._authorize(resource, item.payload)
        if request.method == "GET":
            return Answer(200, store.rendered(resource, ods_id))
        if request.method == "PUT":
            payload = rules.check(resource, request.payload, self.standard)
            self._check_cohort(store, resource, payload)
            if not store.replace(resource, ods_id, payload):
                raise rules.key_changed()
            return Answer(204)
        if request.method != "DELETE":
            return Answer(405)
        referring = store.referring(ods_id) if resource == rules.COHORTS else None
        if referring is not None:
            raise rules.still_referenced(referring)
        store.remove(resource, ods_id)
        return Answer(204)

    def _page(self, store: YearStore, request: RequestInfo) -> Answer:
        limit = _number(request.query, "limit", DEFAULT_LIMIT, MAX_LIMIT)
        offset = _number(request.query, "offset", 0, None)
        district, identifier = request.query.get("educationOrganizationId"), request.query.get("cohortIdentifier")
        found = [
            ods_id
            for ods_id, payload in store.payloads(request.resource, district)
            if (identifier is None or rules.identifier_of(request.resource, payload) == identifier)
            and (self.districts is None or rules.district_of(request.resource, payload) in self.districts)
        ]
        page = [store.rendered(request.resource, ods_id) for ods_id in found[offset : offset + limit]]
        counted = request.query.get("totalCount", "").lower() == "true"
        return Answer(200, page, {"Total-Count": str(len(found))} if counted else {})

    def _authorize(self, resource: str, payload: rules.Payload) -> None:
        if self.districts is not None and rules.district_of(resource, payload) not in self.districts:
            raise rules.forbidden()

    def _check_cohort(self, store: YearStore, resource: str, payload: rules.Payload) -> None:
        if resource != rules.COHORTS and store.cohort_id(rules.cohort_key(payload)) is None:
            raise rules.no_cohort()


def _basic(authorization: str) -> tuple[str, str] | None:
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        key, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return key, secret


def _number(query: Mapping[str, str], name: str, default: int, highest: int | None) -> int:
    text = query.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit()) or (highest is not None and int(text) > highest):
        until = f" and {highest}" if highest is not None else " or more"
        raise rules.bad_parameter(f"{name.capitalize()} must be omitted or set to a value between 0{until}.")
    return int(text)
