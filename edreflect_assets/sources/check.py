"""A look at an org's server: whether it can be reached, whether it is the right one, which days it holds."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from edreflect_assets.contracts import Feed
from edreflect_assets.orgs import Org
from edreflect_assets.sources.host_keys import HostKeyError
from edreflect_assets.sources.sftp import RetryPolicy, SftpSource


@dataclass(frozen=True)
class OrgCheck:
    """What a look at an org's server gave.

    ``host_key`` is the key it showed as the registry takes it, ``fingerprint`` the same as ``SHA256:...``. ``problem`` is
    None when the key is a known one; otherwise it says what to do, and ``days`` (by feed, as ``SftpSource.days``) is empty.
    """

    org_id: str
    host: str
    port: int
    host_key: str
    fingerprint: str
    problem: str | None = None
    days: Mapping[str, list[date | None]] = field(default_factory=dict)


def check_org(
    org: Org,
    feeds: Mapping[str, Feed],
    *,
    retry: RetryPolicy | None = None,
    environ: Mapping[str, str] = os.environ,
) -> OrgCheck:
    """Connect, verify or show the host key, list the days of the org's feeds; loads and lands nothing.

    Raises UsageError for an org without host, ConfigurationError, or FetchError (unreachable, login refused).
    """
    with SftpSource(org, retry=retry or RetryPolicy(attempts=2), environ=environ) as source:
        try:
            key = source.connect().host_key
        except HostKeyError as error:
            return OrgCheck(org.org_id, org.host or "", org.port, error.host_key, error.fingerprint, str(error))
        days = {name: source.days(feed, org.org_id) for name, feed in feeds.items() if org.delivers(name)}
        shown = f"{key.get_name()} {key.get_base64()}"
        return OrgCheck(org.org_id, org.host or "", org.port, shown, key.fingerprint, None, days)
