"""A read-only SFTP server on loopback: what the demo fetches from, and what the tests make fail on purpose.

It runs in a thread of its own and serves each user one folder as ``/``. ``Faults`` is what a test breaks; the demo
leaves it empty.
"""

from __future__ import annotations

import asyncio
import hmac
import threading
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, NoReturn, Self

import asyncssh

_START_SECONDS = 30


@dataclass(frozen=True)
class SftpUser:
    """Who may log in, with a password or a public key (one line of an authorized_keys file), and what is served."""

    root: Path
    password: str | None = field(default=None, repr=False)
    public_key: str | None = None


@dataclass
class Faults:
    """What goes wrong; files are given by base name. Change it while the server runs."""

    deny: set[str] = field(default_factory=set)
    """Files and folders that may not be opened or listed."""
    drops: dict[str, int] = field(default_factory=dict)
    """How many times the connection is cut in the middle of reading a file; counts down."""
    refuse_connections: int = 0
    """How many of the next connections are cut before they say anything; counts down."""
    extra_names: tuple[bytes, ...] = ()
    """Names added to every listing, whatever they hold."""
    after_listing: Callable[[str], None] | None = None
    """Called with a folder's path after each listing of it."""
    before_read: Callable[[str], None] | None = None
    """Called with a file's path when it is opened."""


class SftpServer:
    """``with SftpServer({"springfield": SftpUser(root, password)}) as server: ... server.port``."""

    def __init__(self, users: Mapping[str, SftpUser], *, host: str = "127.0.0.1", port: int = 0) -> None:
        """Prepare a server for ``users`` by name; port 0 takes any free one."""
        self.users = dict(users)
        self.faults = Faults()
        self.host, self.port = host, port
        self.connections = 0
        """How many connections were accepted so far, refused ones included."""
        self._key = asyncssh.generate_private_key("ssh-ed25519")
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="sftp-server", daemon=True)
        self._acceptor: asyncssh.SSHAcceptor | None = None

    def __enter__(self) -> Self:
        """Listen; afterwards ``port`` is the port."""
        self._thread.start()
        self._run(self._listen())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close every connection and end the thread."""
        self._run(self._close())
        self._run(self._end_sessions())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @property
    def host_key(self) -> str:
        """The public host key as one line, as the registry's ``host_key`` takes it."""
        return " ".join(self._key.export_public_key("openssh").decode("ascii").split()[:2])

    @property
    def fingerprint(self) -> str:
        """The host key's fingerprint, ``SHA256:...``."""
        return self._key.get_fingerprint()

    @property
    def known_hosts_line(self) -> str:
        """The line for a known_hosts file."""
        return f"[{self.host}]:{self.port} {self.host_key}\n"

    def change_host_key(self) -> None:
        """Go on at the same port with another host key, as after a reinstallation; connections are closed."""
        self._key = asyncssh.generate_private_key("ssh-ed25519")
        self._run(self._close())
        self._run(self._listen())

    async def _listen(self) -> None:
        self._acceptor = await asyncssh.listen(
            self.host,
            self.port,
            server_factory=lambda: _Login(self),
            server_host_keys=[self._key],
            sftp_factory=lambda channel: _ReadOnlyFolder(channel, self),
            process_factory=None,
            allow_scp=False,
            reuse_address=True,
        )
        self.port = self._acceptor.get_port()

    async def _close(self) -> None:
        if self._acceptor is not None:
            self._acceptor.close()
            await self._acceptor.wait_closed()

    async def _end_sessions(self) -> None:
        sessions = asyncio.all_tasks() - {asyncio.current_task()}
        for session in sessions:
            session.cancel()
        await asyncio.gather(*sessions, return_exceptions=True)
        await self._loop.shutdown_default_executor()

    def _run(self, work: Any) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(_START_SECONDS)


class _Login(asyncssh.SSHServer):
    def __init__(self, server: SftpServer) -> None:
        self._server = server

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._server.connections += 1
        if self._server.faults.refuse_connections > 0:
            self._server.faults.refuse_connections -= 1
            conn.abort()

    def begin_auth(self, username: str) -> bool:
        return True

    def password_auth_supported(self) -> bool:
        return True

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        user = self._server.users.get(username)
        known = user.password if user and user.password else ""
        return bool(known) and hmac.compare_digest(known.encode(), password.encode())

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        user = self._server.users.get(username)
        if user is None or user.public_key is None:
            return False
        return asyncssh.import_public_key(user.public_key).public_data == key.public_data


class _ReadOnlyFolder(asyncssh.SFTPServer):
    """One session: a user's folder as the root, nothing that writes."""

    def __init__(self, channel: asyncssh.SSHServerChannel[bytes], server: SftpServer) -> None:
        user = server.users[channel.get_extra_info("username")]
        super().__init__(channel, chroot=str(user.root).encode())
        self._server = server
        self._dropping: set[int] = set()

    def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> object:
        if pflags & ~asyncssh.FXF_READ:
            _deny()
        self._check(path)
        if self._server.faults.before_read:
            self._server.faults.before_read(path.decode())
        opened = super().open(path, pflags, attrs)
        name = path.rpartition(b"/")[2].decode()
        if self._server.faults.drops.get(name, 0) > 0:
            self._server.faults.drops[name] -= 1
            self._dropping.add(id(opened))
        return opened

    def read(self, file_obj: Any, offset: int, size: int) -> Any:
        if id(file_obj) in self._dropping:
            if offset > 0:
                self.connection.abort()
                raise asyncssh.SFTPConnectionLost("cut")
            # A part of what was asked for, so that the client comes back for the rest.
            return super().read(file_obj, offset, max(1, size // 2))
        return super().read(file_obj, offset, size)

    async def scandir(self, path: bytes) -> AsyncIterator[asyncssh.SFTPName]:
        self._check(path)
        async for name in super().scandir(path):
            yield name
        for extra in self._server.faults.extra_names:
            yield asyncssh.SFTPName(extra, attrs=asyncssh.SFTPAttrs(size=3, permissions=0o100644, atime=0, mtime=0))
        if self._server.faults.after_listing:
            self._server.faults.after_listing(path.decode())

    def _check(self, path: bytes) -> None:
        if path.rstrip(b"/").rpartition(b"/")[2].decode(errors="replace") in self._server.faults.deny:
            _deny()

    def open56(self, path: bytes, desired_access: int, flags: int, attrs: asyncssh.SFTPAttrs) -> NoReturn:
        _deny()

    def write(self, file_obj: object, offset: int, data: bytes) -> NoReturn:
        _deny()

    def setstat(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> NoReturn:
        _deny()

    def lsetstat(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> NoReturn:
        _deny()

    def fsetstat(self, file_obj: object, attrs: asyncssh.SFTPAttrs) -> NoReturn:
        _deny()

    def remove(self, path: bytes) -> NoReturn:
        _deny()

    def mkdir(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> NoReturn:
        _deny()

    def rmdir(self, path: bytes) -> NoReturn:
        _deny()

    def rename(self, oldpath: bytes, newpath: bytes) -> NoReturn:
        _deny()

    def posix_rename(self, oldpath: bytes, newpath: bytes) -> NoReturn:
        _deny()

    def symlink(self, oldpath: bytes, newpath: bytes) -> NoReturn:
        _deny()

    def link(self, oldpath: bytes, newpath: bytes) -> NoReturn:
        _deny()


def _deny() -> NoReturn:
    raise asyncssh.SFTPPermissionDenied("this server is read-only or denies this file")
