"""What can go wrong with a call to an ODS. What the ODS says may name people, so it is never part of ``str``."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import httpx

from edreflect_assets.errors import ConfigurationError, EdreflectError

LONGEST_MESSAGE = 500


class OdsRefusesLogin(ConfigurationError):
    """The ODS gives no token for the org's key and secret: permanent, nothing can be published until it is put right."""


class CallFailed(EdreflectError):
    """One call failed, after the retries it was worth; ``str`` says which and with which status only.

    ``status`` is None where no answer came. ``message`` is what the ODS said, at most 500 characters: it may hold
    personal values and belongs where only the platform's owner reads. ``retryable`` tells whether trying again later
    may succeed.
    """

    def __init__(
        self, status: int | None, message: str, retryable: bool, *, verb: str = "call", resource: str = "ODS"
    ) -> None:
        came = "no answer came" if status is None else f"the ODS answered {status}"
        super().__init__(f"{verb} {resource}: {came}.")
        self.status, self.message, self.retryable = status, message, retryable
        self.verb, self.resource = verb, resource
        self.retry_after: float | None = None
        """Seconds the ODS asked to wait."""

    def __reduce__(self) -> tuple[Any, ...]:
        """Survive copying and pickling although ``args`` holds the sentence alone."""
        return _rebuilt, (type(self), self.status, self.message, self.retryable, self.verb, self.resource)


class OdsResourceGone(CallFailed):
    """What was to be replaced is not in the ODS (any more)."""


class StillReferenced(CallFailed):
    """A reference is in the way: something refers to what was to be deleted, or a POST refers to what is not there."""


def answered(verb: str, resource: str, response: httpx.Response, hidden: Iterable[str]) -> CallFailed:
    """Return the failure that an answer other than success means; ``hidden`` is blotted out of its message."""
    status = response.status_code
    kind = CallFailed
    if status == 409:
        kind = StillReferenced
    elif status == 404 and verb == "PUT":
        kind = OdsResourceGone
    return kind(status, _message(response, hidden), is_passing(status), verb=verb, resource=resource)


def is_passing(status: int) -> bool:
    """Tell whether the same call may succeed later."""
    return status == 429 or status >= 500


def _message(response: httpx.Response, hidden: Iterable[str]) -> str:
    try:
        body = response.json()
    except ValueError:
        body = None
    text = _said(body) if isinstance(body, dict) else response.text
    for value in hidden:
        text = text.replace(value, "***")
    # Postgres takes neither NUL nor half a surrogate pair.
    return text.replace("\0", "").encode("utf-8", "replace").decode()[:LONGEST_MESSAGE]


def _said(body: dict[str, Any]) -> str:
    said = body.get("message") or body.get("detail") or body.get("title") or body.get("error") or ""
    parts = [said if isinstance(said, str) else json.dumps(said)]
    further = body.get("validationErrors")
    if isinstance(further, dict):
        parts += [f"{path}: {' '.join(map(str, texts))}" for path, texts in further.items() if isinstance(texts, list)]
    errors = body.get("errors")
    if isinstance(errors, list):
        parts += map(str, errors)
    return " ".join(parts)


def _rebuilt(kind: type[CallFailed], *told: Any) -> CallFailed:
    status, message, retryable, verb, resource = told
    return kind(status, message, retryable, verb=verb, resource=resource)
