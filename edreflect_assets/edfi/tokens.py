"""The access token of one client: fetched when first needed, shared by all threads, renewed by one of them."""

from __future__ import annotations

import copy
import math
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
from authlib.oauth2.base import OAuth2Error  # type: ignore[import-untyped]
from authlib.oauth2.client import OAuth2Client  # type: ignore[import-untyped]

from edreflect_assets.edfi.connection import OdsConnection
from edreflect_assets.edfi.failures import CallFailed, OdsRefusesLogin, answered, is_passing
from edreflect_assets.edfi.retries import seconds_asked
from edreflect_assets.edfi.transport import no_answer

_LEEWAY_SECONDS = 60.0
_LEEWAY_SHARE = 0.1


@dataclass(frozen=True, eq=False)
class Token:
    """A token and when, by the client's clock, it has to be renewed."""

    value: str = field(repr=False)
    renew_at: float


class Tokens:
    """Client credentials of one key. Thread-safe; at most one login is under way."""

    def __init__(
        self,
        connection: OdsConnection,
        http: httpx.Client,
        credentials: tuple[str, str],
        clock: Callable[[], float],
    ) -> None:
        """Prepare; nothing is fetched yet."""
        self._connection, self._clock = connection, clock
        self._hidden = credentials
        self._basic = httpx.BasicAuth(*credentials)
        self._oauth = OAuth2Client(http)
        self._oauth.register_compliance_hook("access_token_response", self._check)
        self._lock = threading.Lock()
        self._held: Token | None = None
        self._refused: OdsRefusesLogin | None = None
        self._failed: CallFailed | None = None
        self._failures = 0

    def current(self) -> Token:
        """Return a token that is valid, as far as is known; fetches one where it has to.

        Raises OdsRefusesLogin, from then on without asking again, or CallFailed.
        """
        held = self._held
        return held if held is not None and self._clock() < held.renew_at else self.renewed(held)

    def renewed(self, stale: Token | None) -> Token:
        """Return another token than ``stale``: that which a thread fetched meanwhile, or else a new one.

        Raises OdsRefusesLogin or CallFailed; threads that waited for a fetch that failed share its failure.
        """
        failures = self._failures
        with self._lock:
            if self._held is not None and self._held is not stale:
                return self._held
            if self._refused is not None:
                raise copy.copy(self._refused)
            if self._failed is not None and self._failures != failures:
                raise copy.copy(self._failed)
            try:
                self._held = self._fetched()
            except OdsRefusesLogin as error:
                self._held, self._refused = None, error
                raise
            except CallFailed as error:
                self._failed = error
                self._failures += 1
                raise
            return self._held

    def _fetched(self) -> Token:
        asked = self._clock()
        try:
            told = self._oauth.fetch_token(
                self._connection.login_url, grant_type="client_credentials", auth=self._basic
            )
        except httpx.RequestError as error:
            raise no_answer(self._connection, "POST", "token", error) from None
        except (OAuth2Error, ValueError, TypeError, AttributeError, httpx.HTTPError):
            raise self._refusal("answers without a token") from None
        finally:
            # Authlib keeps the token, too.
            self._oauth.token = None
        value = told.get("access_token")
        if not (isinstance(value, str) and value and value.isascii() and value.isprintable()):
            raise self._refusal("answers without a token")
        return Token(value, asked + _usable_seconds(told.get("expires_in")))

    def _check(self, response: httpx.Response) -> httpx.Response:
        if is_passing(response.status_code):
            failure = answered("POST", "token", response, self._hidden)
            failure.retry_after = seconds_asked(response.headers.get("Retry-After"))
            raise failure
        if response.status_code != 200:
            raise self._refusal(f"answers {response.status_code}")
        return response

    def _refusal(self, clause: str) -> OdsRefusesLogin:
        connection = self._connection
        return OdsRefusesLogin(
            f"org {connection.org_id}: logging in to the ODS failed, {connection.login_url} {clause}; check token_url and "
            f"the key and secret in {connection.ods.key_env} and {connection.ods.secret_env}."
        )


def _usable_seconds(expires_in: Any) -> float:
    """Return for how long a token is used; one without a lifetime until it is refused."""
    try:
        lifetime = float(expires_in)
    except (TypeError, ValueError):
        return math.inf
    return lifetime - min(_LEEWAY_SECONDS, lifetime * _LEEWAY_SHARE)
