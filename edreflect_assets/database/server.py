"""The embedded Postgres: created on first use, started when needed, one per ``EDREFLECT_HOME``.

It listens on 127.0.0.1 only and has no Unix socket; every login needs a password (scram), because analysts may share
the machine. ``home/postgres/connection.json`` (readable to its owner only) holds port and password. The cluster lies in
``home/postgres/data``; for root with a home that the server's unprivileged account cannot reach (say, below /root),
that is a link to a directory below ``/var/lib/edreflect``. Names of settings are PostgreSQL's own.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import psycopg2

from edreflect_assets.database.binaries import Account, usable_binaries
from edreflect_assets.database.cluster import (
    Cluster,
    Login,
    answers,
    create,
    create_database,
    free_port,
    postmaster,
    start,
    stop,
)
from edreflect_assets.errors import ConfigurationError
from edreflect_assets.settings import Settings

ROOT_DIRECTORY = Path("/var/lib/edreflect")


@dataclass(frozen=True)
class ServerStatus:
    """Whether the database is the embedded one and answers; ``port`` and ``data`` are None for any other server."""

    embedded: bool
    running: bool
    port: int | None = None
    data: Path | None = None
    version: str | None = None


def ensure_server(settings: Settings, *, durable: bool = True) -> str:
    """Return the database's URL, creating and starting the embedded server if there is no other and it is not running.

    Several processes may call this at once: one starts it. After a kill or a reboot it recovers by itself.
    ``durable=False`` trades safety against crashes of the machine for speed; for tests.
    Raises ConfigurationError when the server cannot be found, created or started.
    """
    if settings.database_url is not None:
        return settings.database_url
    login = _read_login(settings)
    if login is not None and answers(login):
        return login.url
    with _locked(settings):
        login = _read_login(settings)
        if login is not None and answers(login):
            return login.url
        cluster = _find_cluster(settings)
        if not cluster.data.exists():
            login = login or Login(free_port(), secrets.token_urlsafe(24))
            _write_login(settings, login)
            create(cluster, login, durable)
        if login is None:
            raise ConfigurationError(
                f"{_login_file(settings)} is missing, and with it the password of the database in {cluster.data}:"
                " restore it, or remove that directory to start anew."
            )
        login = start(cluster, login, durable, lambda moved: _write_login(settings, moved))
        create_database(login)
        return login.url


def stop_server(settings: Settings) -> bool:
    """Stop the embedded server, ending its sessions; tell whether there was one to stop.

    Raises ConfigurationError when it does not stop within a minute.
    """
    if settings.database_url is not None or not settings.postgres.exists():
        return False
    with _locked(settings):
        base = _base(settings)
        if base is None or not (base / "data").exists():
            return False
        cluster = _find_cluster(settings)
        if postmaster(cluster) is None:
            return False
        stop(cluster)
        return True


def remove_server(settings: Settings) -> None:
    """Stop the embedded server and remove its data, also where they lie outside the home directory."""
    stop_server(settings)
    if settings.database_url is None and settings.postgres.exists():
        base = _base(settings)
        if base is not None and base != settings.postgres:
            shutil.rmtree(base, ignore_errors=True)
        shutil.rmtree(settings.postgres)


def server_status(settings: Settings) -> ServerStatus:
    """Return the state of the database, without starting it."""
    embedded = settings.database_url is None
    login = _read_login(settings) if embedded else None
    url = login.url if login else settings.database_url
    data = settings.postgres / "data" if embedded else None
    port = login.port if login else None
    if url is None:
        return ServerStatus(embedded, running=False)
    try:
        with closing(psycopg2.connect(url, connect_timeout=5)) as connection:
            version = str(connection.info.parameter_status("server_version"))
        return ServerStatus(embedded, running=True, port=port, data=data, version=version)
    except psycopg2.Error:
        return ServerStatus(embedded, running=False, port=port, data=data)


def database_url(settings: Settings) -> str:
    """Return the database's URL, without starting anything.

    Raises ConfigurationError when the embedded server has never been started.
    """
    if settings.database_url is not None:
        return settings.database_url
    login = _read_login(settings)
    if login is None:
        raise ConfigurationError(f"There is no database in {settings.home} yet; run `edreflect up` to create it.")
    return login.url


@contextmanager
def _locked(settings: Settings) -> Iterator[None]:
    """Hold the home's server lock; waits for another process that creates, starts or stops the server."""
    try:
        for directory in (settings.home, settings.postgres):
            _make_passable(directory)
        with open(os.open(settings.postgres / "lock", os.O_RDWR | os.O_CREAT, 0o600), "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
    except PermissionError as error:
        raise ConfigurationError(
            f"{error.filename or settings.postgres} belongs to another user; run as that user or set EDREFLECT_HOME."
        ) from None


def _make_passable(directory: Path) -> None:
    """Create a directory unless it exists: others may pass through, as the server's account must, not look around."""
    if not directory.exists():
        directory.mkdir(parents=True, exist_ok=True)
        directory.chmod(0o711)


def _login_file(settings: Settings) -> Path:
    return settings.postgres / "connection.json"


def _read_login(settings: Settings) -> Login | None:
    path = _login_file(settings)
    try:
        return Login(**json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except PermissionError:
        raise ConfigurationError(f"{path} belongs to another user; run as that user or set EDREFLECT_HOME.") from None
    except (ValueError, TypeError):
        raise ConfigurationError(
            f"{path} is damaged; restore it, or remove {settings.postgres} to start anew."
        ) from None


def _write_login(settings: Settings, login: Login) -> None:
    path = _login_file(settings)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".connection-")
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(asdict(login), file)
        file.flush()
        os.fsync(file.fileno())
    owner = path.parent.stat()
    os.chown(temporary, owner.st_uid, owner.st_gid)
    os.replace(temporary, path)


def _base(settings: Settings) -> Path | None:
    """Return the directory that holds the cluster, None when no place has been chosen yet."""
    data = settings.postgres / "data"
    if data.is_symlink():
        return data.readlink().parent
    return settings.postgres if data.exists() else None


def _find_cluster(settings: Settings) -> Cluster:
    base = _base(settings)
    account = Account.for_data(settings.postgres / "data")
    if base is None:
        base = settings.postgres
        if not account.can_enter(base):
            _make_passable(ROOT_DIRECTORY)
            base = Path(tempfile.mkdtemp(dir=ROOT_DIRECTORY, prefix=f"{settings.home.parent.name or 'home'}-"))
            base.chmod(0o711)
            (settings.postgres / "data").symlink_to(base / "data")
    elif not base.exists() or not account.can_enter(base):
        raise ConfigurationError(
            f"The database server's account cannot reach {base}: restore it, or allow others to pass through its"
            " parent directories (chmod o+x)."
        )
    if any(character in str(base) for character in '"$`\\\n'):
        raise ConfigurationError(f"{base} has a quote, backslash or $ in its name; choose another EDREFLECT_HOME.")
    return Cluster(base, usable_binaries(account, base), account)
