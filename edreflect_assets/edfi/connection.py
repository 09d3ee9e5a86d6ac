"""Where an org's ODS is, and with which key; checked when it is made, so that no wrong address is ever called."""

from __future__ import annotations

import ipaddress
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx

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
    url: str
    """Base address, without the paths."""
    year: int
    standard: str
    key_env: str
    """Name of the environment variable with the key."""
    secret_env: str
    """Name of the environment variable with the secret."""
    data_path: str | None = None
    """Path of the data below ``url``, where ``{year}`` stands for the year; None for the standard's."""
    token_url: str | None = None
    """Address of the login; None for the standard's path below ``url``."""
    timeout: float = 30.0
    """Seconds that connecting and each answer may take."""
    concurrency: int = 8
    """Most calls, and connections, at one time."""
    ca_file: Path | None = None
    """Certificates (PEM) to trust instead of the system's."""

    def __post_init__(self) -> None:
        """Check what can be checked without a call; raises ConfigurationError."""
        _check_url(self.org_id, "url", self.url)
        if self.token_url is not None:
            _check_url(self.org_id, "token_url", self.token_url)
        path = (self.data_path or "").replace(_YEAR, "")
        if self.data_path is not None and (not self.data_path.startswith("/") or set(path) & set("{}?#")):
            raise ConfigurationError(
                f"org {self.org_id}, data_path: it must be a path that starts with / and has no placeholder but {_YEAR}."
            )
        if not 1900 <= self.year <= 9999:
            raise ConfigurationError(f"org {self.org_id}, year: {self.year} is no school year.")
        if not self.timeout > 0 or self.concurrency < 1:
            raise ConfigurationError(f"org {self.org_id}: timeout and concurrency must be above zero.")
        _ = self.data_standard

    @property
    def data_standard(self) -> DataStandard:
        """The standard by its name."""
        try:
            return data_standard(self.standard)
        except ConfigurationError as error:
            raise ConfigurationError(f"org {self.org_id}, standard: {error}") from None

    @property
    def data_url(self) -> str:
        """The address that resources are below, e.g. ``https://ods.example/data/v3/2026``."""
        path = self.data_path if self.data_path is not None else f"{self.data_standard.data_path}/{_YEAR}"
        return self.url.rstrip("/") + path.replace(_YEAR, str(self.year)).rstrip("/")

    @property
    def login_url(self) -> str:
        """The address that gives tokens."""
        return self.token_url or self.url.rstrip("/") + self.data_standard.token_path

    @property
    def is_local(self) -> bool:
        """Tell whether data and login are both on this machine, where no proxy belongs in between."""
        return all(_is_loopback(httpx.URL(url).host) for url in (self.url, self.login_url))

    def credentials(self, environ: Mapping[str, str]) -> tuple[str, str]:
        """Return key and secret; raises ConfigurationError naming the variable that is not set."""
        return self._variable("key_env", self.key_env, environ), self._variable("secret_env", self.secret_env, environ)

    def tls_context(self) -> ssl.SSLContext:
        """Return the context that verifies the ODS; raises ConfigurationError for a ca_file that cannot be used."""
        if self.ca_file is None:
            return httpx.create_ssl_context()
        try:
            return ssl.create_default_context(cafile=self.ca_file)
        except OSError:
            raise ConfigurationError(
                f"org {self.org_id}, ca_file: {self.ca_file} cannot be read as certificates in PEM."
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
