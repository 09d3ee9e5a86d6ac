"""The fake ODS on a loopback port, served by uvicorn's HTTP protocol on a thread of its own."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import threading
import time
from collections.abc import Callable, Collection
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from edreflect_assets.fake_ods.faults import Fault, FaultHook, RequestInfo
from edreflect_assets.fake_ods.rules import MAX_IDENTIFIER, Payload
from edreflect_assets.fake_ods.service import WRITES, Answer, Service

FAKE_KEY = "fake-ods-key"
FAKE_SECRET = "fake-ods-secret"  # noqa: S105 - nothing real accepts it

_TOKEN = "token"  # noqa: S105
_DATA_PATH = re.compile(r"/data/v3/(\d{4})/ed-fi/(\w+)(?:/([^/]+))?")
_START_SECONDS = 30.0
_HOLD_SECONDS = 0.002


class FakeOds:
    """``with FakeOds(standard="5.0") as ods: ... ods.url``; test equipment, on loopback only."""

    def __init__(
        self,
        standard: str = "5.0",
        latency: float = 0.0,
        *,
        key: str = FAKE_KEY,
        secret: str = FAKE_SECRET,
        token_lifetime: float = 1800.0,
        districts: Collection[int] | None = None,
        port: int = 0,
        certificate: tuple[Path, Path] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare a server of a data standard (3.3, 4.0, 5.0 or 6.0) that takes ``latency`` seconds per request.

        With ``districts``, any other educationOrganizationId is answered with 403. Port 0 takes a free one. With
        ``certificate`` (files of the certificate and its key) it speaks https. ``token_lifetime`` seconds are counted
        by ``clock``. Raises ValueError for an unknown standard.
        """
        if standard not in MAX_IDENTIFIER:
            raise ValueError(f"the fake ODS knows no data standard {standard}; it knows {', '.join(MAX_IDENTIFIER)}")
        self.key, self.secret = key, secret
        self.latency = latency
        self.fault: FaultHook | None = None
        """What goes wrong; set it while the server runs."""
        self._service = Service(
            standard, key=key, secret=secret, token_lifetime=token_lifetime, districts=districts, clock=clock
        )
        self._certificate, self._port = certificate, port
        self._counters = threading.Lock()
        self._calls: list[tuple[str, str, int | None]] = []
        self._in_flight = self._max_in_flight = 0
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        """Listen; afterwards ``url`` is set."""
        certificate, key = self._certificate or (None, None)
        config = Config(
            self._app,
            interface="asgi3",
            lifespan="off",
            proxy_headers=False,
            log_config=None,
            access_log=False,
            timeout_keep_alive=600,
            ssl_certfile=certificate,
            ssl_keyfile=key,
        )
        config.load()
        listener = socket.create_server(("127.0.0.1", self._port), backlog=256)
        self.url = f"{'https' if certificate else 'http'}://127.0.0.1:{listener.getsockname()[1]}"
        started = threading.Event()
        self._thread = threading.Thread(
            target=self._run, args=(config, listener, started), name="fake-ods", daemon=True
        )
        self._thread.start()
        if not started.wait(_START_SECONDS):
            raise TimeoutError("the fake ODS did not start")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Cut every connection and end the thread."""
        self._loop.call_soon_threadsafe(self._stop.set)
        if self._thread is not None:
            self._thread.join()

    @property
    def calls(self) -> list[tuple[str, str, int | None]]:
        """What was asked of the data so far: method, resource, status; None where nothing was done and answered.

        Logins are no calls. A call whose answer was lost has the status it would have had.
        """
        with self._counters:
            return list(self._calls)

    @property
    def max_in_flight(self) -> int:
        """The most calls that were open at one time."""
        return self._max_in_flight

    @property
    def tokens_issued(self) -> int:
        """How many tokens were given out since the start."""
        return self._service.tokens_issued

    def writes(self) -> int:
        """Return how many calls were POST, PUT or DELETE, whatever came of them."""
        return sum(method in WRITES for method, _, _ in self.calls)

    def reset_calls(self) -> None:
        """Forget the calls and the most in flight."""
        with self._counters:
            self._calls.clear()
            self._max_in_flight = self._in_flight

    def revoke_tokens(self) -> None:
        """Make every token invalid that was issued so far."""
        self._service.revoke_tokens()

    def resources(self, year: int, resource: str) -> dict[str, Payload]:
        """Return copies of all payloads by id, as they were sent, in the order of creation."""
        return self._service.resources(year, resource)

    def put_directly(self, year: int, resource: str, payload: Payload) -> str:
        """Create or replace by natural key, past every rule and counter; return the id."""
        return self._service.put_directly(year, resource, payload)

    def delete_directly(self, year: int, resource: str, ods_id: str) -> None:
        """Delete past every rule and counter; raises KeyError for an unknown id."""
        self._service.delete_directly(year, resource, ods_id)

    def _run(self, config: Config, listener: socket.socket, started: threading.Event) -> None:
        with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
            runner.run(self._serve(config, listener, started))

    async def _serve(self, config: Config, listener: socket.socket, started: threading.Event) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        state = ServerState()
        state.default_headers = [(b"server", b"edreflect-fake-ods (test equipment)")]
        server = await self._loop.create_server(
            lambda: _CuttableProtocol(config, state, {}, self._loop), sock=listener, ssl=config.ssl
        )
        started.set()
        await self._stop.wait()
        server.close()
        for connection in list(state.connections):
            connection.transport.abort()
        # Their requests learn of it before they are cancelled.
        await asyncio.sleep(0)

    async def _app(self, scope: Any, receive: Any, send: Any) -> None:
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        if scope["path"] == "/oauth/token":
            await self._respond(RequestInfo(scope["method"], _TOKEN), scope, receive, send, body)
            return
        with self._counters:
            self._in_flight += 1
            self._max_in_flight = max(self._max_in_flight, self._in_flight)
        try:
            await self._respond(_request(scope, body), scope, receive, send, body)
        except asyncio.CancelledError:
            return
        finally:
            with self._counters:
                self._in_flight -= 1

    async def _respond(self, request: RequestInfo, scope: Any, receive: Any, send: Any, body: bytes) -> None:
        fault = (self.fault(request) if self.fault else None) or Fault()
        while fault.hold is not None and not fault.hold.is_set():
            await asyncio.sleep(_HOLD_SECONDS)
        if self.latency or fault.delay:
            await asyncio.sleep(self.latency + fault.delay)
        if fault.drop_before:
            self._record(request, None)
        elif fault.status is not None:
            retry = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
            answer = Answer(fault.status, fault.body, retry)
            self._record(request, answer.status)
            await _send(send, answer)
            return
        else:
            answer = self._answer(request, scope, body)
            self._record(request, answer.status)
            if not fault.drop_after:
                await _send(send, answer)
                return
        scope[_CuttableProtocol.TRANSPORT].abort()
        while (await receive())["type"] != "http.disconnect":
            pass

    def _answer(self, request: RequestInfo, scope: Any, body: bytes) -> Answer:
        authorization = next((value for name, value in scope["headers"] if name == b"authorization"), b"").decode()
        if request.resource == _TOKEN:
            return self._service.log_in(authorization, dict(parse_qsl(body.decode(errors="replace"))))
        return self._service.answer(request, self.url + scope["path"], authorization)

    def _record(self, request: RequestInfo, status: int | None) -> None:
        if request.resource != _TOKEN:
            with self._counters:
                self._calls.append((request.method, request.resource, status))


class _CuttableProtocol(HttpToolsProtocol):
    """uvicorn's protocol, whose requests also carry the transport, so that a fault can cut it."""

    TRANSPORT = "fake_ods.transport"

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope[self.TRANSPORT] = self.transport  # type: ignore[literal-required]


def _request(scope: Any, body: bytes) -> RequestInfo:
    path = _DATA_PATH.fullmatch(scope["path"])
    query = dict(parse_qsl(scope["query_string"].decode()))
    if path is None:
        return RequestInfo(scope["method"], scope["path"], query=query)
    year, resource, ods_id = path.groups()
    return RequestInfo(scope["method"], resource, int(year), ods_id, _parsed(body), query)


def _parsed(body: bytes) -> Payload | None:
    try:
        return json.loads(body) if body else None
    except ValueError:
        return None


async def _send(send: Any, answer: Answer) -> None:
    if answer.body is None:
        content = b""
    elif isinstance(answer.body, bytes | str):
        content = answer.body.encode() if isinstance(answer.body, str) else answer.body
    else:
        content = json.dumps(answer.body).encode()
    headers = [(name.lower().encode(), value.encode()) for name, value in answer.headers.items()]
    if content:
        kind = b"text/plain" if isinstance(answer.body, bytes | str) else b"application/json; charset=utf-8"
        headers.append((b"content-type", kind))
    if answer.status != 204:
        headers.append((b"content-length", b"%d" % len(content)))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": content})
