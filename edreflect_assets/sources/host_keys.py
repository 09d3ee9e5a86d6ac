"""Is the server the one the registry means? Its host key must be pinned or in known_hosts; nothing is trusted unseen."""

from __future__ import annotations

import binascii
from collections.abc import Sequence
from dataclasses import dataclass

import paramiko
from paramiko.hostkeys import HostKeyEntry, HostKeys, InvalidHostKey

from edreflect_assets.errors import ConfigurationError, FetchError
from edreflect_assets.orgs import Org

DEFAULT_PORT = 22


class HostKeyError(FetchError):
    """The server's host key is not known, not the known one, or revoked; trying again cannot help.

    ``host_key`` is the offered key as one line and ``fingerprint`` its ``SHA256:...``, to be compared with what the
    server's operator says before either is pinned.
    """

    def __init__(self, message: str, host_key: str, fingerprint: str) -> None:
        super().__init__(message, transient=False)
        self.host_key = host_key
        self.fingerprint = fingerprint

    def __reduce__(self) -> tuple[type[HostKeyError], tuple[str, str, str]]:
        """Survive pickling between processes."""
        return type(self), (str(self), self.host_key, self.fingerprint)


@dataclass(frozen=True)
class KnownKeys:
    """The host keys an org's server may show: whole keys, fingerprints, and keys that it must not show any more."""

    keys: tuple[paramiko.PKey, ...]
    fingerprints: frozenset[str]
    revoked: tuple[paramiko.PKey, ...]
    place: str

    def key_types(self, offered: Sequence[str]) -> tuple[str, ...]:
        """Order the algorithms so that a server with several host keys shows one that is known."""
        known = {kind for key in self.keys for kind in _algorithms(key)}
        return (*(kind for kind in offered if kind in known), *(kind for kind in offered if kind not in known))

    def verify(self, org: Org, key: paramiko.PKey) -> None:
        """Raise HostKeyError, with the offered fingerprint and what to do, unless ``key`` is a known one."""
        where = f"{org.org_id}: the SFTP server {org.host}:{org.port}"
        shown = f"{key.get_name()} {key.get_base64()}"
        if any(key.asbytes() == revoked.asbytes() for revoked in self.revoked):
            complaint = f"{where} shows a host key that {self.place} marks as revoked"
        elif any(key.asbytes() == known.asbytes() for known in self.keys) or key.fingerprint in self.fingerprints:
            return
        elif self.keys or self.fingerprints:
            complaint = (
                f"{where} shows another host key than {self.place} has; it was reinstalled, or someone is in between"
            )
        else:
            complaint = f"{where} shows a host key that {self.place} does not have"
        raise HostKeyError(
            f"{complaint}. Nothing was sent. It offers {key.get_name()} {key.fingerprint}: ask its operator for the "
            f'fingerprint and, if it is the same, pin it in the registry with `host_key: "{key.fingerprint}"`.',
            shown,
            key.fingerprint,
        )


def known_keys(org: Org) -> KnownKeys:
    """Return the keys that count for an org: the pinned ones of the registry, else those of its known_hosts file.

    A missing known_hosts file holds none. Raises ConfigurationError for a pinned key that is no key.
    """
    if org.host_key:
        pinned = [key for key in org.host_key if not key.startswith("SHA256:")]
        return KnownKeys(
            tuple(_parsed(org, line) for line in pinned),
            frozenset(key for key in org.host_key if key.startswith("SHA256:")),
            (),
            "the registry",
        )
    host = (org.host or "").lower()
    # As OpenSSH writes them: a port other than 22 belongs to the name.
    names = {f"[{host}]:{org.port}"} | ({host} if org.port == DEFAULT_PORT else set())
    known, revoked = _read_known_hosts(org)
    return KnownKeys(_matching(known, names), frozenset(), _matching(revoked, names), str(org.known_hosts))


def _parsed(org: Org, line: str) -> paramiko.PKey:
    kind, encoded = line.split()[:2]
    try:
        return paramiko.PKey.from_type_string(kind, binascii.a2b_base64(encoded))
    except (ValueError, paramiko.SSHException):  # binascii.Error is a ValueError
        raise ConfigurationError(
            f"org {org.org_id}, host_key: this is not a whole public key; copy the line `edreflect orgs check` shows."
        ) from None


def _algorithms(key: paramiko.PKey) -> tuple[str, ...]:
    # One RSA key, two signature algorithms; the old SHA-1 one is not offered.
    return ("rsa-sha2-512", "rsa-sha2-256") if key.get_name() == "ssh-rsa" else (key.get_name(),)


def _read_known_hosts(org: Org) -> tuple[list[HostKeyEntry], list[HostKeyEntry]]:
    known: list[HostKeyEntry] = []
    revoked: list[HostKeyEntry] = []
    try:
        lines = org.known_hosts.read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return known, revoked
    except OSError:
        raise ConfigurationError(f"org {org.org_id}, known_hosts: {org.known_hosts} cannot be read.") from None
    for number, line in enumerate(lines, 1):
        target, text = (revoked, line.partition(" ")[2]) if line.startswith("@revoked ") else (known, line)
        if text.strip() and not text.startswith(("#", "@")):
            try:
                entry = HostKeyEntry.from_line(text.strip(), number)
            except (InvalidHostKey, paramiko.SSHException, ValueError):
                continue
            if entry is not None and entry.key is not None:
                target.append(entry)
    return known, revoked


def _matching(entries: Sequence[HostKeyEntry], names: set[str]) -> tuple[paramiko.PKey, ...]:
    def hit(listed: str, name: str) -> bool:
        if listed.startswith("|1|"):
            return HostKeys.hash_host(name, listed) == listed
        return listed.lower() == name

    return tuple(
        entry.key
        for entry in entries
        if entry.key is not None and any(hit(listed, name) for listed in entry.hostnames or () for name in names)
    )
