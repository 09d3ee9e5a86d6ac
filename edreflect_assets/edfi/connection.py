"""Where an org's ODS is, and with which key; checked when it is made, so that no wrong address is ever called."""

from __future__ import annotations

import ipaddress
import ssl
from collections.abc import Mapping
from dataclasses import dataclass

import httpx

from edreflect_assets.edfi.ods import Ods
from edreflect_assets.edfi.school_years import SCHOOL_YEARS
from edreflect_assets.edfi.standards import DataStandard, data_standard
from edreflect_assets.errors import ConfigurationError

_YEAR = "{year}"


@dataclass(frozen=True)
class OdsConnection:
    """The ODS of one org and school year; key and secret are named, not held.

    Raises ConfigurationError for a standard nobody knows, an address that is neither https nor http to this machine
    itself, and numbers that make no sense.
    """

    org_id: str
    ods: Ods
    year: int
    """The school year that is published, by the year in which it ends."""

    def __post_init__(self) -> None:
        """Check what can be checked without a call; raises ConfigurationError."""
        ods, (first, last) = self.ods, SCHOOL_YEARS
        _check_url(self.org_id, "url", ods.url)
        if ods.token_url is not None:
            _check_url(self.org_id, "token_url", ods.token_url)
        path = (ods.data_path or "").replace(_YEAR, "")
        if ods.data_path is not None and (not ods.data_path.startswith("/") or set(path) & set("{}?#")):
            raise ConfigurationError(
                f"org {self.org_id}, data_path: it must be a path that starts with / and has no placeholder but {_YEAR}."
            )
        if not first <= self.year <= last:
            raise ConfigurationError(f"org {self.org_id}, year: {self.year} is no school year.")
        if not ods.timeout_seconds > 0 or ods.concurrency < 1:
            raise ConfigurationError(f"org {self.org_id}: timeout_seconds and concurrency must be above zero.")
        _ = self.standard

    @property
    def standard(self) -> DataStandard:
        """The data standard that the ODS speaks."""
        try:
            return data_standard(self.ods.data_standard)
        except ConfigurationError as error:
            raise ConfigurationError(f"org {self.org_id}, data_standard: {error}") from None

    @property
    def data_url(self) -> str:
        """The address that resources are below, e.g. ``https://ods.example/data/v3/2026``."""
        path = self.ods.data_path if self.ods.data_path is not None else f"{self.standard.data_path}/{_YEAR}"
        return self.ods.url.rstrip("/") + path.replace(_YEAR, str(self.year)).rstrip("/")

    @property
    def login_url(self) -> str:
        """The address that gives tokens."""
        return self.ods.token_url or self.ods.url.rstrip("/") + self.standard.token_path

    @property
    def is_local(self) -> bool:
        """Tell whether data and login are both on this machine, where no proxy belongs in between."""
        return all(_is_loopback(httpx.URL(url).host) for url in (self.ods.url, self.login_url))

    def credentials(self, environ: Mapping[str, str]) -> tuple[str, str]:
        """Return key and secret; raises ConfigurationError naming the variable that is not set."""
        key = self._variable("key_env", self.ods.key_env, environ)
        return key, self._variable("secret_env", self.ods.secret_env, environ)

    def tls_context(self) -> ssl.SSLContext:
        """Return the context that verifies the ODS; raises ConfigurationError for a ca_file that cannot be used."""
        if self.ods.ca_file is None:
            return httpx.create_ssl_context()
        try:
            return ssl.create_default_context(cafile=self.ods.ca_file)
        except OSError:
            raise ConfigurationError(
                f"org {self.org_id}, ca_file: {self.ods.ca_file} cannot be read as certificates in PEM."
            ) from None

    def _variable(self, field: str, name: str, environ: Mapping[str, str]) -> str:
        value = environ.get(name)
        if not value:
            raise ConfigurationError(f"org {self.org_id}, {field}: the environment variable {name} is not set.")
        return value


def _check_url(org_id: str, field: str, text: str) -> None:
    """Raise ConfigurationError, without the address: it may hold a password."""
    try:
        url = httpx.URL(text)
    except (httpx.InvalidURL, TypeError):
        raise ConfigurationError(f"org {org_id}, {field}: it is no URL.") from None
    if url.userinfo or url.query or url.fragment:
        raise ConfigurationError(f"org {org_id}, {field}: it must have no user, password, query or fragment.")
    if not url.host or not (url.scheme == "https" or (url.scheme == "http" and _is_loopback(url.host))):
        raise ConfigurationError(
            f"org {org_id}, {field}: it must start with https://; http:// is for a server on this machine only."
        )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
