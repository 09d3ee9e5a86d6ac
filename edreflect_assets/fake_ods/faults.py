"""What a test lets go wrong in the fake ODS, request by request."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class RequestInfo:
    """One request as the hook sees it, before anything is done about it."""

    method: str
    resource: str
    """E.g. ``cohorts``; ``token`` for a login."""
    year: int | None = None
    """None for a login."""
    ods_id: str | None = None
    payload: Any = None
    """The parsed JSON body; None where there is none or it is no JSON."""
    query: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Fault:
    """How one request fails; what is set is combined, in the order of the fields."""

    hold: threading.Event | None = None
    """Wait until the event is set."""
    delay: float = 0.0
    """Wait so many seconds on top of the server's latency."""
    drop_before: bool = False
    """Cut the connection and do nothing."""
    status: int | None = None
    """Answer with this status and do nothing."""
    body: Any = None
    """Body of that answer: bytes or text as they are, anything else as JSON."""
    retry_after: str | int | None = None
    """``Retry-After`` of that answer, seconds or an HTTP date."""
    drop_after: bool = False
    """Do the work, then cut the connection: the answer is lost."""


FaultHook = Callable[[RequestInfo], Fault | None]
"""Called for each request on the server's thread, so it must not wait; None lets the request pass."""
