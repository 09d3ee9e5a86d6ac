"""One SFTP connection of one org: socket, host key, login; and which failures are worth another try.

Raises FetchError for what stays wrong and ``ConnectionLost`` for what may pass. No message repeats what the server says
or any secret.
"""

from __future__ import annotations

import errno
import logging
import os
import socket
import stat
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import NoReturn

import paramiko
from cryptography.exceptions import UnsupportedAlgorithm
from paramiko.sftp import SFTPError

from edreflect_assets.errors import ConfigurationError, FetchError
from edreflect_assets.landing import ByteStream, unsafe_name
from edreflect_assets.orgs import Org
from edreflect_assets.sources.host_keys import known_keys
from edreflect_assets.sources.places import Look
from edreflect_assets.sources.private_keys import read_private_key

# paramiko reports what it also raises; without a handler of ours Python would print its tracebacks to stderr.
logging.getLogger("paramiko").addHandler(logging.NullHandler())


@dataclass(frozen=True)
class Timeouts:
    """How long to wait, in seconds.

    ``connect`` spans TCP, banner and key exchange and must exceed ``banner``, or a slow banner is reported as a lost
    session; ``stall`` is how long a running transfer may stand still.
    """

    connect: float = 30.0
    banner: float = 15.0
    login: float = 30.0
    stall: float = 60.0


class ConnectionLost(Exception):
    """The connection could not be made or broke; ``str`` is a clause for a person."""


class SftpConnection:
    """An open session that gives ``Folders``; close it when done."""

    def __init__(self, org: Org, timeouts: Timeouts, environ: Mapping[str, str] = os.environ) -> None:
        """Connect, verify the host key, log in and open SFTP.

        Raises ConfigurationError (a secret is not where the registry says), FetchError (permanent: host key, login
        refused) or ConnectionLost.
        """
        self._org_id = org.org_id
        keys = known_keys(org)
        key, password = _private_key(org, environ), _password(org, environ)
        self._socket = _open_socket(org, timeouts)
        try:
            self._transport = paramiko.Transport(self._socket)
            try:
                self._transport.banner_timeout = timeouts.banner
                self._transport.auth_timeout = timeouts.login
                options = self._transport.get_security_options()
                options.key_types = keys.key_types(tuple(options.key_types))
                _negotiate(self._transport, timeouts)
                keys.verify(org, self._transport.get_remote_server_key())
                _log_in(self._transport, org, key, password)
                self._sftp = _open_sftp(self._transport, timeouts)
            except BaseException:
                self._transport.close()
                raise
        except paramiko.ssh_exception.IncompatiblePeer:
            raise FetchError(
                f"{org.org_id}: the SFTP server {org.host}:{org.port} and this client share no key exchange, cipher or "
                "host key algorithm; ask its operator to update it."
            ) from None
        except (paramiko.SSHException, EOFError, OSError) as error:
            raise ConnectionLost(_clause(error)) from None
        finally:
            if not hasattr(self, "_sftp"):
                self._socket.close()

    @property
    def no_delay(self) -> bool:
        """Tell whether TCP_NODELAY is set on the socket."""
        return bool(self._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))

    @property
    def host_key(self) -> paramiko.PKey:
        """The verified host key."""
        return self._transport.get_remote_server_key()

    def close(self) -> None:
        """End the session; a broken one, too."""
        self._transport.close()
        self._socket.close()

    def subfolders(self, path: str) -> list[str]:
        """Return the names of the folders in ``path``."""
        return [entry.filename for entry in self._list(path) if stat.S_ISDIR(self._mode(path, entry))]

    def files(self, path: str) -> dict[str, Look]:
        """Return the regular files in ``path``; links are none, whatever they lead to."""
        return {
            entry.filename: self._look(entry) for entry in self._list(path) if stat.S_ISREG(self._mode(path, entry))
        }

    def look(self, path: str, name: str) -> Look:
        """Return size and mtime of one file, of a link itself."""
        with self._translated():
            return self._look(self._sftp.lstat(f"{path}/{name}"))

    @contextmanager
    def open(self, path: str, name: str, size: int) -> Iterator[ByteStream]:
        """Open one file and ask for all of its ``size`` bytes ahead."""
        with self._translated():
            opened = self._sftp.open(f"{path}/{name}", "rb")
        try:
            _quiet_prefetch(opened)
            opened.prefetch(size)
            yield _RemoteFile(self, opened)
        finally:
            # Whether the server takes the close well says nothing about what was read.
            with suppress(paramiko.SSHException, SFTPError, EOFError, OSError):
                opened.close()

    def _list(self, path: str) -> list[paramiko.SFTPAttributes]:
        with self._translated():
            return self._sftp.listdir_attr(path)

    def _mode(self, path: str, entry: paramiko.SFTPAttributes) -> int:
        if entry.st_mode is not None:
            return entry.st_mode
        if unsafe_name(entry.filename) is not None:
            # Never asked for; it counts as a file so that whoever takes the listing refuses it.
            return stat.S_IFREG
        with self._translated():
            return self._sftp.lstat(f"{path}/{entry.filename}").st_mode or 0

    def _look(self, found: paramiko.SFTPAttributes) -> Look:
        if found.st_size is None:
            raise FetchError(
                f"{self._org_id}: the SFTP server does not say how large its files are, so that no download can be checked."
            )
        return Look(found.st_size, found.st_mtime)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Turn what paramiko raises into FileNotFoundError, PermissionError, FetchError or ConnectionLost."""
        try:
            yield
        except UnicodeDecodeError:
            raise FetchError(
                f"{self._org_id}: the SFTP server lists a name that is not UTF-8; ask the org to rename that file."
            ) from None
        except OSError as error:
            if error.errno == errno.ENOENT:
                raise FileNotFoundError from None
            if error.errno in {errno.EACCES, errno.EPERM}:
                raise PermissionError from None
            raise ConnectionLost(_clause(error)) from None
        except (paramiko.SSHException, SFTPError, EOFError) as error:
            raise ConnectionLost(_clause(error)) from None


class _RemoteFile:
    """An open remote file whose failures while reading are told apart from those of the local disk."""

    def __init__(self, connection: SftpConnection, opened: paramiko.SFTPFile) -> None:
        self._connection, self._opened = connection, opened

    def read(self, size: int, /) -> bytes:
        with self._connection._translated():
            return self._opened.read(size)


def _quiet_prefetch(opened: paramiko.SFTPFile) -> None:
    """Keep the thread that asks ahead from printing a traceback; the reader meets the same lost connection itself."""
    ask_ahead = opened._prefetch_thread  # type: ignore[attr-defined]

    def quietly(*arguments: object) -> None:
        with suppress(paramiko.SSHException, EOFError, OSError):
            ask_ahead(*arguments)

    opened._prefetch_thread = quietly  # type: ignore[attr-defined]


def _open_socket(org: Org, timeouts: Timeouts) -> socket.socket:
    try:
        opened = socket.create_connection((org.host or "", org.port), timeouts.connect)
        # paramiko leaves small packets waiting for each other otherwise: many times slower.
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except OSError as error:
        raise ConnectionLost(_clause(error)) from None
    return opened


def _negotiate(transport: paramiko.Transport, timeouts: Timeouts) -> None:
    """Run the key exchange; paramiko's own timeout would return as if it had succeeded."""
    done = threading.Event()
    transport.start_client(event=done)
    finished = done.wait(timeouts.connect)
    error = transport.get_exception()
    if error is not None:
        raise error
    if not finished or not transport.is_active():
        raise ConnectionLost("the server did not finish the key exchange")


def _log_in(transport: paramiko.Transport, org: Org, key: paramiko.PKey | None, password: str | None) -> None:
    """Log in by key, then by password if the server wants that, too, or no key is given."""
    try:
        further = transport.auth_publickey(org.user or "", key) if key is not None else ["password"]
        if further and password is not None:
            further = transport.auth_password(org.user or "", password)
    except paramiko.BadAuthenticationType as error:
        kinds = ", ".join(sorted(kind for kind in error.allowed_types if kind.replace("-", "").isalpha()))
        _login_refused(org, f"it accepts {kinds or 'other ways to log in'} only")
    except paramiko.AuthenticationException as error:
        if not transport.is_active() or "EOF" in str(error) or "timeout" in str(error):
            raise ConnectionLost("the connection was closed during the login") from None
        _login_refused(org, "it refuses this key or password")
    if further:
        _login_refused(org, "it asks for a further step that the registry has nothing for")


def _login_refused(org: Org, cause: str) -> NoReturn:
    raise FetchError(
        f"{org.org_id}: logging in to {org.host}:{org.port} as {org.user} failed: {cause}; check user, key_file, "
        "password_env or password_file in the registry, and what they name."
    ) from None


def _open_sftp(transport: paramiko.Transport, timeouts: Timeouts) -> paramiko.SFTPClient:
    client = paramiko.SFTPClient.from_transport(transport)
    channel = client.get_channel() if client is not None else None
    if client is None or channel is None:
        raise ConnectionLost("the server opened no SFTP session")
    channel.settimeout(timeouts.stall)
    return client


def _private_key(org: Org, environ: Mapping[str, str]) -> paramiko.PKey | None:
    if org.key_file is None:
        return None
    passphrase = _variable(org, "key_passphrase_env", org.key_passphrase_env, environ)
    try:
        return read_private_key(org.key_file, passphrase)
    except OSError:
        complaint = "cannot be read"
    except (TypeError, ValueError, UnsupportedAlgorithm, paramiko.SSHException):
        complaint = "is no private key that its passphrase (key_passphrase_env) opens"
    raise ConfigurationError(f"org {org.org_id}, key_file: {org.key_file} {complaint}.")


def _password(org: Org, environ: Mapping[str, str]) -> str | None:
    if org.password_file is not None:
        try:
            return org.password_file.read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError):
            raise ConfigurationError(
                f"org {org.org_id}, password_file: {org.password_file} cannot be read as UTF-8 text."
            ) from None
    return _variable(org, "password_env", org.password_env, environ)


def _variable(org: Org, field: str, name: str | None, environ: Mapping[str, str]) -> str | None:
    if name is None:
        return None
    value = environ.get(name)
    if not value:
        raise ConfigurationError(f"org {org.org_id}, {field}: the environment variable {name} is not set.")
    return value


def _clause(error: BaseException) -> str:
    """Describe a failure by its kind; its text may be the server's."""
    if isinstance(error, TimeoutError):
        return "the server did not answer in time"
    if isinstance(error, socket.gaierror):
        return "the host name cannot be resolved"
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno).lower()
    if isinstance(error, paramiko.SSHException) and "banner" in str(error):
        return "the server closed the connection or is no SSH server"
    return "the connection broke" if not isinstance(error, OSError) else "the server reported a failure"
