"""The cluster of the embedded Postgres: its files and its server process. ``server`` decides when to use them."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg2

from edreflect_assets.database.binaries import Account, major_version
from edreflect_assets.errors import ConfigurationError

HOST = "127.0.0.1"
START_SECONDS = 60
STOP_SECONDS = 60
# More than one, because another program may take the port just before the server does.
MAXIMUM_FAILURES = 2
# Above the largest process id of any system.
NO_PROCESS = 2**31 - 1

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
class Login:
    """How the platform itself logs in."""

    port: int
    password: str
    user: str = "edreflect"
    database: str = "edreflect"

    @property
    def url(self) -> str:
        """The URL of its database."""
        return f"postgresql://{self.user}:{self.password}@{HOST}:{self.port}/{self.database}"


@dataclass(frozen=True)
class Cluster:
    """Where the cluster lies, which programs run it, and as whom."""

    base: Path
    binaries: Path
    account: Account

    @property
    def data(self) -> Path:
        """The data directory."""
        return self.base / "data"

    @property
    def log(self) -> Path:
        """The server's log."""
        return self.base / "server.log"


def create(cluster: Cluster, login: Login, durable: bool) -> None:
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


def start(cluster: Cluster, login: Login, durable: bool, on_new_port: Callable[[Login], None]) -> Login:
    """Start the cluster and wait until it answers; returns the login with the port it now has.

    ``on_new_port`` is told beforehand when another program has taken the port. Raises ConfigurationError.
    """
    _check_version(cluster)
    deadline = time.monotonic() + START_SECONDS
    failures = 0
    while True:
        if postmaster(cluster) is None:
            _disown_pid(cluster)
            if not _is_free(login.port):
                login = replace(login, port=free_port())
                on_new_port(login)
            failures += not _start_once(cluster, login, durable)
        if answers(replace(login, database="postgres")):
            return login
        if time.monotonic() > deadline or failures > MAXIMUM_FAILURES:
            raise ConfigurationError(f"The embedded database does not start; the reason is in {cluster.log}.")
        time.sleep(0.2)


def _start_once(cluster: Cluster, login: Login, durable: bool) -> bool:
    """Start the server; False when it failed in a way that another attempt is unlikely to mend."""
    cluster.log.touch(mode=0o600)
    cluster.account.own(cluster.log)
    already_logged = cluster.log.stat().st_size
    options = FIXED | {"port": str(login.port)} | ({} if durable else NOT_DURABLE)
    result = cluster.account.run(
        cluster.binaries / "pg_ctl",
        *("-D", cluster.data, "-l", cluster.log, "-w", "-t", str(START_SECONDS)),
        *("-o", " ".join(f"-c {name}='{value}'" for name, value in options.items())),
        "start",
    )
    if result.returncode == 0:
        return True
    with cluster.log.open("rb") as log:
        log.seek(already_logged)
        # Sessions of a killed server hold its memory until they notice.
        return b"still in use" in log.read()


def _check_version(cluster: Cluster) -> None:
    created_by = int((cluster.data / "PG_VERSION").read_text())
    version = major_version(cluster.binaries, cluster.account)
    if created_by != version:
        raise ConfigurationError(
            f"The database in {cluster.data} was created by PostgreSQL {created_by}, but the programs in"
            f" {cluster.binaries} are version {version}: run pg_upgrade, or remove that directory to start anew."
        )


def stop(cluster: Cluster) -> None:
    """Stop the server, ending its sessions; raises ConfigurationError when it does not stop within a minute."""
    result = cluster.account.run(
        cluster.binaries / "pg_ctl", "-D", cluster.data, "-m", "fast", "-w", "-t", str(STOP_SECONDS), "stop"
    )
    if result.returncode != 0:
        raise ConfigurationError(f"The embedded database did not stop; see {cluster.log}.")


def create_database(login: Login) -> None:
    """Create the platform's database unless it exists."""
    with closing(psycopg2.connect(replace(login, database="postgres").url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute("select from pg_database where datname = %s", [login.database])
            if cursor.fetchone() is None:
                cursor.execute(f"create database {login.database}")


def answers(login: Login) -> bool:
    """Tell whether the server with our password answers: scram proves each side to the other."""
    try:
        # Never hand the password in plain text to another program that took the port.
        psycopg2.connect(login.url, connect_timeout=3, require_auth="scram-sha-256").close()
    except psycopg2.OperationalError:
        return False
    return True


def _recorded_pid(cluster: Cluster) -> int | None:
    try:
        return int((cluster.data / "postmaster.pid").read_text().split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        return None


def postmaster(cluster: Cluster) -> int | None:
    """Return the process id of the server that runs on the cluster, None when the recorded one is gone or another's."""
    pid = _recorded_pid(cluster)
    command = _command(pid) if pid else ""
    return pid if "postgres" in command and str(cluster.data) in command else None


def _disown_pid(cluster: Cluster) -> None:
    """Let the process id that a killed server recorded be none at all.

    Postgres would take any process that has it now, a zombie included, for a running server. The rest of the file stays:
    with it Postgres finds out whether sessions of the killed server are still at work.
    """
    if _recorded_pid(cluster) is not None:
        # As the account: root has no business writing into a directory of another user.
        cluster.account.run(
            "/bin/sh",
            "-c",
            f'{{ echo {NO_PROCESS}; tail -n +2 "$0"; }} > "$0.disowned" && mv "$0.disowned" "$0"',
            cluster.data / "postmaster.pid",
        )


def _command(pid: int) -> str:
    """Return a process's command line, empty when it does not exist."""
    if Path("/proc/self/cmdline").exists():
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            return ""
    return subprocess.run(
        ["/bin/ps", "-o", "args=", "-p", str(pid)], capture_output=True, text=True, check=False
    ).stdout


def free_port() -> int:
    """Return a port of 127.0.0.1 that nothing listens on."""
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
