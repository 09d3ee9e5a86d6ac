"""The HTTP client below an ``OdsClient``, and what it means when no answer comes."""

from __future__ import annotations

import ssl

import httpx

from edreflect_assets.edfi.connection import OdsConnection
from edreflect_assets.edfi.failures import CallFailed
from edreflect_assets.errors import ConfigurationError

_KEPT_IDLE_SECONDS = 60.0


def open_http(connection: OdsConnection) -> httpx.Client:
    """Return a client that verifies the ODS, follows no redirect and keeps as many connections as calls are allowed.

    Proxies of the environment are used unless the ODS is on this machine. Raises ConfigurationError (ca_file).
    """
    return httpx.Client(
        verify=connection.tls_context(),
        # Threads above the limit wait for a connection as long as it takes.
        timeout=httpx.Timeout(connection.ods.timeout_seconds, pool=None),
        limits=httpx.Limits(
            max_connections=connection.ods.concurrency,
            max_keepalive_connections=connection.ods.concurrency,
            keepalive_expiry=_KEPT_IDLE_SECONDS,
        ),
        follow_redirects=False,
        trust_env=not connection.is_local,
        headers={"Accept": "application/json", "User-Agent": "edreflect"},
    )


def no_answer(
    connection: OdsConnection, verb: str, resource: str, error: httpx.RequestError
) -> CallFailed | ConfigurationError:
    """Return what to raise for a call without a usable answer; nothing of ``error`` is repeated or kept."""
    if _is_untrusted(error):
        return ConfigurationError(
            f"org {connection.org_id}: the certificate that {error.request.url.host} shows is not trusted; set ca_file to "
            "the authority that issued it, or have it corrected."
        )
    if isinstance(error, httpx.TimeoutException):
        message = "the ODS did not answer in time"
    elif isinstance(error, httpx.ConnectError):
        message = "no connection to the ODS could be made"
    else:
        message = "the connection to the ODS broke"
    retryable = isinstance(error, httpx.TransportError) and not isinstance(error, httpx.UnsupportedProtocol)
    return CallFailed(None, message, retryable, verb=verb, resource=resource)


def _is_untrusted(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, ssl.SSLCertVerificationError):
            return True
        error = error.__cause__ or error.__context__
    return False
