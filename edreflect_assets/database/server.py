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
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import psycopg2

from edreflect_assets.database.binaries import Account, major_version, usable_binaries
from edreflect_assets.errors import ConfigurationError
from edreflect_assets.settings import Settings

HOST = "127.0.0.1"
ROOT_DIRECTORY = Path("/var/lib/edreflect")
START_SECONDS = 60

# Written to postgresql.conf once, so that an operator can change them.
TUNING = {
    "random_page_cost": "2",
    "max_connections": "200",
    "max_wal_size": "4GB",
    "wal_compression": "on",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
# Given at every start, so that nothing can change them. The last three keep delivered values out of the server's log:
# an ERROR and its DETAIL, CONTEXT and STATEMENT may hold them, LOG, FATAL and PANIC lines do not.
FIXED = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}
NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "shared_buffers": "128MB"}


@dataclass(frozen=True)
class ServerStatus:
    """Whether the database is the embedded one and answers; ``port`` and ``data`` are None for any other server."""

    embedded: bool
    running: bool
    port: int | None = None
    data: Path | None = None
    version: str | None = None


@dataclass(frozen=True)
class _Login:
    port: int
    password: str
    user: str = "edreflect"
    database: str = "edreflect"

    @property
    def url(self) -> str:
        return f"postgresql://{self.user}:{self.password}@{HOST}:{self.port}/{self.database}"


@dataclass(frozen=True)
class _Cluster:
    base: Path
    binaries: Path
    account: Account

    @property
    def data(self) -> Path:
        return self.base / "data"

    @property
    def log(self) -> Path:
        return self.base / "server.log"


def ensure_server(settings: Settings, *, durable: bool = True) -> str:
    """Return the database's URL, creating and starting the embedded server if there is no other and it is not running.

    Several processes may call this at once: one starts it. After a kill or a reboot it recovers by itself.
    ``durable=False`` trades safety against crashes of the machine for speed; for tests.
    Raises ConfigurationError when the server cannot be found, created or started.
    """
    if settings.database_url is not None:
        return settings.database_url
    login = _read_login(settings)
    if login is not None and _answers(login):
        return login.url
    with _locked(settings):
        login = _read_login(settings)
        if login is not None and _answers(login):
            return login.url
        cluster = _find_cluster(settings)
        if not cluster.data.exists():
            login = login or _Login(_free_port(), secrets.token_urlsafe(24))
            _write_login(settings, login)
            _create(cluster, login, durable)
        if login is None:
            raise ConfigurationError(
                f"{_login_file(settings)} is missing, and with it the password of the database in {cluster.data}:"
                " restore it, or remove that directory to start anew."
            )
        login = _start(settings, cluster, login, durable)
        _create_database(login)
        return login.url


def stop_server(settings: Settings) -> bool:
    """Stop the embedded server, ending its sessions; tell whether there was one to stop.

    Raises ConfigurationError when it does not stop within a minute.
    """
    if settings.database_url is not None or not settings.postgres.exists():
        return False
    with _locked(settings):
        cluster = _find_cluster(settings)
        if _postmaster(cluster) is None:
            return False
        result = cluster.account.run(
            cluster.binaries / "pg_ctl", "-D", cluster.data, "-m", "fast", "-w", "-t", "60", "stop"
        )
        if result.returncode != 0:
            raise ConfigurationError(f"The embedded database did not stop; see {cluster.log}.")
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
    try:
        if url is None:
            return ServerStatus(embedded, running=False)
        with closing(psycopg2.connect(url, connect_timeout=5)) as connection:
            version = str(connection.info.parameter_status("server_version"))
        return ServerStatus(embedded, running=True, port=login and login.port, data=data, version=version)
    except psycopg2.OperationalError:
        return ServerStatus(embedded, running=False, port=login and login.port, data=data)


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
            if not directory.exists():
                directory.mkdir(parents=True, exist_ok=True)
                # Others may pass through, which the server's account needs, but not look around.
                directory.chmod(0o711)
        with (settings.postgres / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
    except PermissionError as error:
        raise ConfigurationError(
            f"{error.filename or settings.postgres} belongs to another user; run as that user or set EDREFLECT_HOME."
        ) from None


def _login_file(settings: Settings) -> Path:
    return settings.postgres / "connection.json"


def _read_login(settings: Settings) -> _Login | None:
    path = _login_file(settings)
    try:
        return _Login(**json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except PermissionError:
        raise ConfigurationError(f"{path} belongs to another user; run as that user or set EDREFLECT_HOME.") from None
    except (ValueError, TypeError):
        raise ConfigurationError(
            f"{path} is damaged; restore it, or remove {settings.postgres} to start anew."
        ) from None


def _write_login(settings: Settings, login: _Login) -> None:
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


def _find_cluster(settings: Settings) -> _Cluster:
    base = _base(settings)
    account = Account.for_data(settings.postgres / "data")
    if base is None:
        base = settings.postgres
        if not account.can_enter(base):
            ROOT_DIRECTORY.mkdir(parents=True, exist_ok=True)
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
    return _Cluster(base, usable_binaries(account, base), account)


def _create(cluster: _Cluster, login: _Login, durable: bool) -> None:
    """Make the cluster beside its final place and move it there, so that an interrupted creation leaves none."""
    partial = cluster.base / "data.partial"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(mode=0o700)
    cluster.account.own(partial)
    version = major_version(cluster.binaries, cluster.account)
    # The built-in locale sorts alike on every platform and survives upgrades of the C library.
    locale = ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"] if version >= 17 else []
    tuning = TUNING | {"shared_buffers": f"{_shared_buffers_mb()}MB"}
    with tempfile.NamedTemporaryFile("w", dir=cluster.base, prefix=".password-") as password:
        password.write(login.password + "\n")
        password.flush()
        cluster.account.own(Path(password.name))
        result = cluster.account.run(
            cluster.binaries / "initdb",
            *("-D", partial, "-U", login.user, "-E", "UTF8", "--auth=scram-sha-256", f"--pwfile={password.name}"),
            *(locale or ["--locale=C.UTF-8"]),
            *(part for name, value in tuning.items() for part in ("--set", f"{name}={value}")),
            *([] if durable else ["--no-sync"]),
        )
    if result.returncode != 0:
        raise ConfigurationError(
            f"The embedded database could not be created in {cluster.base}: {result.stderr.strip()}"
        )
    partial.rename(cluster.data)


def _start(settings: Settings, cluster: _Cluster, login: _Login, durable: bool) -> _Login:
    """Start the cluster and wait until it answers; returns the login with the port it now has."""
    _check_version(cluster)
    deadline = time.monotonic() + START_SECONDS
    while True:
        if _postmaster(cluster) is None:
            if _pid_is_taken(cluster):
                (cluster.data / "postmaster.pid").unlink(missing_ok=True)
            if not _is_free(login.port):
                login = replace(login, port=_free_port())
                _write_login(settings, login)
            _run_pg_ctl_start(cluster, login, durable)
        if _answers(login):
            return login
        if time.monotonic() > deadline:
            raise ConfigurationError(f"The embedded database does not start; the reason is in {cluster.log}.")
        # Sessions of a killed server may hold its memory for a moment; recovery takes as long as it takes.
        time.sleep(0.2)


def _run_pg_ctl_start(cluster: _Cluster, login: _Login, durable: bool) -> None:
    cluster.log.touch(mode=0o600)
    cluster.account.own(cluster.log)
    options = FIXED | {"port": str(login.port)} | ({} if durable else NOT_DURABLE)
    cluster.account.run(
        cluster.binaries / "pg_ctl",
        *("-D", cluster.data, "-l", cluster.log, "-w", "-t", str(START_SECONDS)),
        *("-o", " ".join(f"-c {name}='{value}'" for name, value in options.items())),
        "start",
    )


def _check_version(cluster: _Cluster) -> None:
    created_by = int((cluster.data / "PG_VERSION").read_text())
    version = major_version(cluster.binaries, cluster.account)
    if created_by != version:
        raise ConfigurationError(
            f"The database in {cluster.data} was created by PostgreSQL {created_by}, but the programs in"
            f" {cluster.binaries} are version {version}: run pg_upgrade, or remove that directory to start anew."
        )


def _create_database(login: _Login) -> None:
    with closing(psycopg2.connect(replace(login, database="postgres").url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("select from pg_database where datname = %s", [login.database])
            if cursor.fetchone() is None:
                cursor.execute(f"create database {login.database}")


def _answers(login: _Login) -> bool:
    """Tell whether the server with our password answers: scram proves each side to the other."""
    try:
        # Never hand the password in plain text to another program that took the port.
        psycopg2.connect(
            replace(login, database="postgres").url, connect_timeout=5, require_auth="scram-sha-256"
        ).close()
    except psycopg2.OperationalError:
        return False
    return True


def _recorded_pid(cluster: _Cluster) -> int | None:
    try:
        return int((cluster.data / "postmaster.pid").read_text().split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        return None


def _postmaster(cluster: _Cluster) -> int | None:
    """Return the process id of the server that runs on the cluster, None when the recorded one is gone or another's."""
    pid = _recorded_pid(cluster)
    command = _command(pid) if pid else ""
    return pid if "postgres" in command and str(cluster.data) in command else None


def _pid_is_taken(cluster: _Cluster) -> bool:
    """Tell whether another program now has the recorded process id; Postgres would take it for a running server."""
    pid = _recorded_pid(cluster)
    return pid is not None and bool(_command(pid)) and _postmaster(cluster) is None


def _command(pid: int) -> str:
    """Return a process's command line, empty when it does not exist."""
    if Path("/proc/self/cmdline").exists():
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            return ""
    return subprocess.run(["ps", "-o", "args=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def _shared_buffers_mb() -> int:
    """Return 512, less on a machine with under 2 GB of memory."""
    megabytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
    return max(32, min(512, megabytes // 4))
