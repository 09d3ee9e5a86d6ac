"""The HTTP client of one org's ODS: upsert, replace, delete and list, with login and retries."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import httpx

from edreflect_assets.edfi.connection import OdsConnection
from edreflect_assets.edfi.failures import CallFailed, OdsRefusesLogin, OdsResourceGone, StillReferenced, answered
from edreflect_assets.edfi.paging import Page, read_page, whole_listing
from edreflect_assets.edfi.retries import Retries, retrying, seconds_asked
from edreflect_assets.edfi.tokens import Token, Tokens
from edreflect_assets.edfi.transport import no_answer, open_http

__all__ = [
    "CallFailed",
    "OdsClient",
    "OdsConnection",
    "OdsRefusesLogin",
    "OdsResourceGone",
    "Retries",
    "StillReferenced",
]

LARGEST_PAGE = 500
_LISTING_ATTEMPTS = 5
# What an ODS answers when it has done it. A page with 200, as of a proxy, has done nothing.
_DONE = {"GET": {200}, "POST": {200, 201}, "PUT": {204}, "DELETE": {204}}
_ID = re.compile(r"[0-9A-Fa-f-]{32,36}")


class OdsClient:
    """``with OdsClient(connection) as ods: ods.upsert("cohorts", payload)``; threads may share it.

    Every method raises CallFailed, OdsRefusesLogin (permanent, from then on without a call) or ConfigurationError (the
    certificate is not trusted). All calls are idempotent, so that one whose answer was lost is made again.
    """

    def __init__(
        self,
        connection: OdsConnection,
        *,
        environ: Mapping[str, str] = os.environ,
        retries: Retries = Retries(),  # noqa: B008 - immutable
        page_size: int = LARGEST_PAGE,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare; the first call connects and logs in.

        ``clock`` is what a token's lifetime is measured by. Raises ConfigurationError (key or secret is not in
        ``environ``, ca_file) and ValueError for a page size below 2.
        """
        if page_size < 2:
            raise ValueError("a page must have room for two items")
        self.connection = connection
        self._hidden = connection.credentials(environ)
        self._page_size = page_size
        self._http = open_http(connection)
        self._tokens = Tokens(connection, self._http, self._hidden, clock)
        self._retrying = retrying(retries, sleep)
        self._base = f"{connection.data_url}/ed-fi/"

    def __enter__(self) -> Self:
        """Return the client itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close every connection."""
        self.close()

    def close(self) -> None:
        """Close every connection; the client cannot be used afterwards."""
        self._http.close()

    def log_in(self) -> None:
        """Log in now, not with the first call."""
        self._retrying(self._tokens.current)

    def look(self, resource: str) -> None:
        """Read one item and forget it: tells whether the ODS answers."""
        self._call(_Call("GET", resource, f"{self._base}{resource}?limit=1"))

    def upsert(self, resource: str, payload: Mapping[str, Any]) -> str:
        """Create, or update what has the same natural key; return its id."""
        response = self._call(_Call("POST", resource, self._base + resource, _encoded(payload)))
        ods_id = str(response.headers.get("Location", "")).rpartition("/")[2]
        if not _ID.fullmatch(ods_id):
            raise CallFailed(
                response.status_code, "the answer has no Location with an id", False, verb="POST", resource=resource
            )
        return ods_id

    def replace(self, resource: str, ods_id: str, payload: Mapping[str, Any]) -> None:
        """Replace everything but the natural key; raises OdsResourceGone when there is nothing with this id."""
        self._call(_Call("PUT", resource, self._item_url(resource, ods_id), _encoded(payload)))

    def delete(self, resource: str, ods_id: str) -> bool:
        """Delete, and return False when there is nothing with this id (also: when a lost answer was our own deletion).

        Raises StillReferenced when something refers to it.
        """
        try:
            self._call(_Call("DELETE", resource, self._item_url(resource, ods_id)))
        except CallFailed as error:
            if error.status == 404:
                return False
            raise
        return True

    def list_all(self, resource: str, *, districts: Iterable[int]) -> Iterator[dict[str, Any]]:
        """Iterate over all that is in the ODS for these districts (of associations: of their cohorts).

        A district's items come once they are all there. One that changes while it is read is read again, a few times;
        then CallFailed. It is raised, too, when the ODS returns something of another district.
        """
        for district in dict.fromkeys(districts):
            yield from self._of_district(resource, district)

    def _of_district(self, resource: str, district: int) -> list[dict[str, Any]]:
        def fetch(offset: int, limit: int) -> Page:
            return self._page(resource, district, offset, limit)

        for _ in range(_LISTING_ATTEMPTS):
            items = whole_listing(fetch, self._page_size)
            if items is not None:
                return items
        raise CallFailed(200, "the listing changed each time it was read", True, verb="GET", resource=resource)

    def _page(self, resource: str, district: int, offset: int, limit: int) -> Page:
        response = self._call(
            _Call(
                "GET",
                resource,
                f"{self._base}{resource}?educationOrganizationId={district}&limit={limit}&offset={offset}&totalCount=true",
            )
        )
        return read_page(response, resource, district)

    def _item_url(self, resource: str, ods_id: str) -> str:
        return f"{self._base}{resource}/{quote(ods_id, safe='')}"

    def _call(self, call: _Call) -> httpx.Response:
        return self._retrying(self._attempt, call)

    def _attempt(self, call: _Call) -> httpx.Response:
        token = self._tokens.current()
        hidden = {*self._hidden, token.value}
        response = self._send(call, token)
        if response.status_code == 401 and not call.renewed:
            call.renewed = True
            token = self._tokens.renewed(token)
            hidden.add(token.value)
            response = self._send(call, token)
        if response.status_code in _DONE[call.verb]:
            return response
        failure = answered(call.verb, call.resource, response, hidden)
        failure.retry_after = seconds_asked(response.headers.get("Retry-After"))
        raise failure

    def _send(self, call: _Call, token: Token) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token.value}"}
        if call.content is not None:
            headers["Content-Type"] = "application/json"
        try:
            return self._http.request(call.verb, call.url, content=call.content, headers=headers)
        except httpx.RequestError as error:
            raise no_answer(self.connection, call.verb, call.resource, error) from None


@dataclass
class _Call:
    """One call over all its attempts; ``renewed`` once it has had the token renewed."""

    verb: str
    resource: str
    url: str = field(repr=False)
    content: bytes | None = field(default=None, repr=False)
    renewed: bool = False


def _encoded(payload: Mapping[str, Any]) -> bytes:
    return json.dumps(payload, separators=(",", ":")).encode()
