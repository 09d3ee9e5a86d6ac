"""SFTP against a real server on loopback: host keys, logins, lost connections, files in motion, hostile names."""

from __future__ import annotations

import asyncio
import logging
import os
import pickle
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import asyncssh
import paramiko
import pytest
from deliveries import DAY, FILES, ORG, PASSWORD, deliver, feed, landed_files, set_mtime

from edreflect_assets.errors import ConfigurationError, FetchError, UsageError
from edreflect_assets.landing import Landing
from edreflect_assets.orgs import Org, default_org_uuid
from edreflect_assets.sftp_server import SftpServer, SftpUser
from edreflect_assets.sources.check import check_org
from edreflect_assets.sources.connection import Timeouts
from edreflect_assets.sources.host_keys import HostKeyError
from edreflect_assets.sources.sftp import RetryPolicy, SftpSource

# The keys of these tests open quickly; nobody else gets them.
pytestmark = pytest.mark.filterwarnings("ignore:Warning. bcrypt.kdf:UserWarning")

ENVIRON = {"SPRINGFIELD_PASSWORD": PASSWORD}
QUICK = RetryPolicy(attempts=3, seconds=30, first_wait=0.01)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "served").mkdir()
    return tmp_path / "served"


@pytest.fixture
def server(root: Path) -> Iterator[SftpServer]:
    with SftpServer({"spring": SftpUser(root, PASSWORD)}) as running:
        yield running


@pytest.fixture
def org(server: SftpServer) -> Org:
    return Org(
        ORG,
        default_org_uuid(ORG, ORG),
        ORG,
        host=server.host,
        port=server.port,
        user="spring",
        password_env="SPRINGFIELD_PASSWORD",
        host_key=(server.host_key,),
        stable_seconds=0,
    )


@pytest.fixture
def landing(tmp_path: Path) -> Landing:
    return Landing(tmp_path / "landing")


def source_of(org: Org, environ: dict[str, str] | None = None, retry: RetryPolicy = QUICK) -> SftpSource:
    return SftpSource(org, retry=retry, timeouts=Timeouts(stall=10), environ=ENVIRON if environ is None else environ)


def failure(org: Org, landing: Landing, environ: dict[str, str] | None = None) -> FetchError:
    with source_of(org, environ) as source, pytest.raises(FetchError) as caught:
        source.fetch(feed(), ORG, DAY, landing)
    return caught.value


# What is fetched ------------------------------------------------------------------------------------------------------


def test_an_org_day_is_fetched_over_one_connection(server: SftpServer, org: Org, root: Path, landing: Landing) -> None:
    deliver(root)
    deliver(root, {"goal_ids.csv": b"old_id,new_id\n1,2\n"}, day=None)
    with source_of(org) as source:
        assert source.days(feed(), ORG) == [DAY, None]
        delivery = source.fetch(feed(), ORG, DAY, landing)
        maps = source.fetch(feed(), ORG, None, landing)
    assert {landed.file: landed.path.read_bytes() for landed in delivery.files} == FILES
    assert [(landed.file, landed.day) for landed in maps.files] == [("goal_ids.csv", None)]
    assert server.connections == 1


def test_a_large_file_comes_whole(org: Org, root: Path, landing: Landing) -> None:
    content = os.urandom(3_000_017)
    deliver(root, {"Ratings.csv": content, "Slos.csv": b""})
    with source_of(org) as source:
        delivery = source.fetch(feed(), ORG, DAY, landing)
    assert [landed.path.read_bytes() for landed in delivery.files] == [content, b""]


def test_small_packets_are_sent_at_once(org: Org) -> None:
    with source_of(org) as source:
        connection = source.connect()
        assert connection.no_delay
        assert connection._transport.sock is connection._socket
        assert connection._socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0


def test_links_folders_and_hidden_files_are_left_alone(org: Org, root: Path, landing: Landing, tmp_path: Path) -> None:
    folder = deliver(root)
    (tmp_path / "secret").write_text("not delivered")
    (folder / "Ratings.csv").symlink_to(tmp_path / "secret")
    (folder / "sub").mkdir()
    (folder / ".filepart").write_text("uploading")
    with source_of(org) as source:
        delivery = source.fetch(feed(), ORG, DAY, landing)
    assert [landed.file for landed in delivery.files] == sorted(FILES)


def test_a_folder_that_is_overwritten_daily(org: Org, root: Path, landing: Landing) -> None:
    folder = root / "outgoing"
    folder.mkdir()
    (folder / "Goals.csv").write_bytes(b"goal_id\n1\n")
    set_mtime(folder / "Goals.csv", datetime(2026, 1, 5, 12, tzinfo=UTC))
    overwritten = replace(org, paths={"edreflect": "/outgoing"})
    with source_of(overwritten) as source:
        assert source.days(feed(), ORG) == [DAY]
        assert [landed.file for landed in source.fetch(feed(), ORG, DAY, landing).files] == ["Goals.csv"]
        with pytest.raises(FetchError, match="now holds 2026-01-05"):
            source.fetch(feed(), ORG, date(2026, 1, 4), landing)


def test_a_missing_day_is_permanent(server: SftpServer, org: Org, root: Path, landing: Landing) -> None:
    deliver(root, day=None)
    error = failure(org, landing)
    assert not error.transient
    assert str(error) == (
        "edreflect of springfield, 2026-01-05: there is no folder springfield/export/2026-01-05; "
        "check the day and the path template."
    )
    assert server.connections == 1


def test_two_processes_that_fetch_the_same_day_both_end_well(org: Org, root: Path, landing: Landing) -> None:
    deliver(root)
    results: list[object] = []

    def fetch() -> None:
        with source_of(org) as source:
            results.append(source.fetch(feed(), ORG, DAY, landing))

    threads = [threading.Thread(target=fetch) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(results) == 4
    assert all(result == results[0] for result in results)
    assert landing.last_delivery("edreflect", ORG, DAY) == results[0]


# Who the server is ----------------------------------------------------------------------------------------------------


def test_a_host_key_in_known_hosts_is_accepted(server: SftpServer, org: Org, root: Path, tmp_path: Path) -> None:
    deliver(root)
    known_hosts = tmp_path / "known_hosts"
    known_hosts.write_text(f"# ours\n\nbroken line\nother.example.org ssh-ed25519 AAAA\n{server.known_hosts_line}")
    with source_of(replace(org, host_key=(), known_hosts=known_hosts)) as source:
        assert source.days(feed(), ORG) == [DAY]


def test_a_hashed_entry_of_known_hosts_is_accepted(server: SftpServer, org: Org, root: Path, tmp_path: Path) -> None:
    deliver(root)
    known_hosts = tmp_path / "known_hosts"
    hashed = paramiko.HostKeys.hash_host(f"[{server.host}]:{server.port}")
    known_hosts.write_text(f"{hashed} {server.host_key}\n")
    with source_of(replace(org, host_key=(), known_hosts=known_hosts)) as source:
        assert source.days(feed(), ORG) == [DAY]


def test_a_pinned_fingerprint_is_accepted(server: SftpServer, org: Org, root: Path) -> None:
    deliver(root)
    with source_of(replace(org, host_key=(server.fingerprint,))) as source:
        assert source.days(feed(), ORG) == [DAY]


@pytest.mark.parametrize(
    "entry",
    ["", "{host} {key}", "[{host}]:22 {key}", "[other.example.org]:{port} {key}", "@revoked [{host}]:{port} {key}"],
)
def test_an_unknown_host_key_stops_before_anything_is_sent(
    server: SftpServer, org: Org, landing: Landing, tmp_path: Path, entry: str, caplog: pytest.LogCaptureFixture
) -> None:
    known_hosts = tmp_path / "known_hosts"
    known_hosts.write_text(entry.format(host=server.host, port=server.port, key=server.host_key) + "\n")
    with caplog.at_level(logging.DEBUG):
        error = failure(replace(org, host_key=(), known_hosts=known_hosts), landing)
    assert isinstance(error, HostKeyError)
    assert not error.transient
    assert ORG in str(error)
    assert server.fingerprint in str(error)
    assert f'host_key: "{server.fingerprint}"' in str(error)
    assert server.connections == 1
    assert "userauth" not in caplog.text


def test_a_missing_known_hosts_file_knows_nobody(
    server: SftpServer, org: Org, landing: Landing, tmp_path: Path
) -> None:
    error = failure(replace(org, host_key=(), known_hosts=tmp_path / "none"), landing)
    assert isinstance(error, HostKeyError)


def test_a_changed_host_key_stops_and_shows_the_new_one(
    server: SftpServer, org: Org, root: Path, landing: Landing
) -> None:
    deliver(root)
    with source_of(org) as source:
        source.fetch(feed(), ORG, DAY, landing)
    before = server.fingerprint
    server.change_host_key()
    error = failure(org, landing)
    assert isinstance(error, HostKeyError)
    assert "another host key" in str(error)
    assert before != server.fingerprint
    assert server.fingerprint in str(error)
    assert (error.host_key, error.fingerprint) == (server.host_key, server.fingerprint)
    assert str(pickle.loads(pickle.dumps(error))) == str(error)


def test_a_server_with_several_host_keys_shows_the_pinned_one(org: Org, root: Path) -> None:
    deliver(root)
    rsa = asyncssh.generate_private_key("ssh-rsa")
    keys = [asyncssh.generate_private_key("ssh-ed25519"), asyncssh.generate_private_key("ecdsa-sha2-nistp256"), rsa]
    with other_server(
        lambda: asyncssh.listen("127.0.0.1", 0, server_factory=asyncssh.SSHServer, server_host_keys=keys)
    ) as port:
        pinned = rsa.export_public_key().decode().strip()
        with source_of(replace(org, port=port, host_key=(pinned,))) as source, pytest.raises(FetchError) as caught:
            source.connect()
    # The key was right: it is the login that this server refuses.
    assert "logging in" in str(caught.value)


class other_server:  # noqa: N801 - used like a function
    """Another asyncssh server on a free port, in a thread of its own; gives the port."""

    def __init__(self, listen: Callable[[], object]) -> None:
        self._listen = listen

    def __enter__(self) -> int:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

        async def start() -> asyncssh.SSHAcceptor:
            return await self._listen()  # type: ignore[misc]

        self._acceptor = asyncio.run_coroutine_threadsafe(start(), self._loop).result(30)
        return self._acceptor.get_port()

    def __exit__(self, *_: object) -> None:
        async def stop() -> None:
            self._acceptor.close()
            await self._acceptor.wait_closed()
            rest = asyncio.all_tasks() - {asyncio.current_task()}
            for task in rest:
                task.cancel()
            await asyncio.gather(*rest, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(stop(), self._loop).result(30)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


# Who we are -----------------------------------------------------------------------------------------------------------


def test_a_wrong_password_is_permanent_and_never_shown(
    server: SftpServer, org: Org, landing: Landing, caplog: pytest.LogCaptureFixture
) -> None:
    wrong = "homer-simpson-0815"
    with caplog.at_level(logging.DEBUG):
        error = failure(org, landing, {"SPRINGFIELD_PASSWORD": wrong})
    assert not error.transient
    assert "as spring failed" in str(error)
    assert wrong not in str(error) + caplog.text
    assert server.connections == 1


def test_a_password_never_reaches_a_log(
    org: Org, root: Path, landing: Landing, caplog: pytest.LogCaptureFixture
) -> None:
    deliver(root)
    with caplog.at_level(logging.DEBUG), source_of(org) as source:
        source.fetch(feed(), ORG, DAY, landing)
    assert caplog.records
    assert PASSWORD not in caplog.text
    assert "read more" not in caplog.text


@pytest.mark.parametrize("passphrase", [None, "ned-flanders"])
@pytest.mark.parametrize(
    ("kind", "form"),
    [
        ("ssh-ed25519", "openssh"),
        ("ssh-rsa", "openssh"),
        ("ecdsa-sha2-nistp256", "openssh"),
        ("ssh-rsa", "pkcs1-pem"),
        ("ecdsa-sha2-nistp384", "pkcs8-pem"),
    ],
)
def test_a_key_file_logs_in(
    server: SftpServer, org: Org, root: Path, tmp_path: Path, kind: str, form: str, passphrase: str | None
) -> None:
    deliver(root)
    key = asyncssh.generate_private_key(kind)
    rounds = {"rounds": 4} if form == "openssh" else {}
    (tmp_path / "key").write_bytes(key.export_private_key(form, passphrase=passphrase, **rounds))
    server.users["spring"] = SftpUser(root, public_key=key.export_public_key().decode())
    by_key = replace(org, password_env=None, key_file=tmp_path / "key", key_passphrase_env=passphrase and "PASSPHRASE")
    with source_of(by_key, {"PASSPHRASE": passphrase or ""}) as source:
        assert source.days(feed(), ORG) == [DAY]


def test_a_key_the_server_does_not_know_is_permanent(
    server: SftpServer, org: Org, landing: Landing, tmp_path: Path
) -> None:
    (tmp_path / "key").write_bytes(asyncssh.generate_private_key("ssh-ed25519").export_private_key())
    error = failure(replace(org, password_env=None, key_file=tmp_path / "key"), landing)
    assert not error.transient
    assert server.connections == 1


def test_a_password_can_come_from_a_file(org: Org, root: Path, tmp_path: Path) -> None:
    deliver(root)
    (tmp_path / "password").write_text(f"{PASSWORD}\n")
    with source_of(replace(org, password_env=None, password_file=tmp_path / "password"), {}) as source:
        assert source.days(feed(), ORG) == [DAY]


def test_secrets_that_are_not_where_the_registry_says_are_named(org: Org, tmp_path: Path) -> None:
    cases = [
        (org, "SPRINGFIELD_PASSWORD is not set"),
        (replace(org, password_env=None, password_file=tmp_path / "none"), "password_file"),
        (replace(org, password_env=None, key_file=tmp_path / "none"), "key_file"),
    ]
    (tmp_path / "nonsense").write_text("no key")
    cases.append((replace(org, password_env=None, key_file=tmp_path / "nonsense"), "is no private key"))
    (tmp_path / "locked").write_bytes(
        asyncssh.generate_private_key("ssh-ed25519").export_private_key(passphrase="x", rounds=4)
    )
    cases.append((replace(org, password_env=None, key_file=tmp_path / "locked"), "key_passphrase_env"))
    for wrong, said in cases:
        with source_of(wrong, {}) as source, pytest.raises(ConfigurationError, match=f"org {ORG}, .*{said}"):
            source.connect()


def test_an_org_without_a_host_cannot_be_fetched(org: Org) -> None:
    with pytest.raises(UsageError, match="edreflect load --source"):
        SftpSource(replace(org, host=None))


# What goes wrong on the way -------------------------------------------------------------------------------------------


def test_a_connection_dropped_in_mid_file_is_made_anew(
    server: SftpServer, org: Org, root: Path, landing: Landing, capfd: pytest.CaptureFixture[str]
) -> None:
    content = os.urandom(2_000_000)
    deliver(root, {"Goals.csv": b"goal_id\n1\n", "Ratings.csv": content})
    server.faults.drops["Ratings.csv"] = 2
    opened: list[str] = []
    server.faults.before_read = opened.append
    with source_of(org) as source:
        delivery = source.fetch(feed(), ORG, DAY, landing)
    assert delivery.files[1].path.read_bytes() == content
    assert server.connections == 3
    assert [path.rpartition("/")[2] for path in opened] == ["Goals.csv", *["Ratings.csv"] * 3]
    assert not list(landing.root.rglob("*.part"))
    assert "Traceback" not in capfd.readouterr().err


def test_tries_are_bounded_by_count(server: SftpServer, org: Org, root: Path, landing: Landing, tmp_path: Path) -> None:
    deliver(root, {"Goals.csv": b"goal_id\n1\n", "Ratings.csv": os.urandom(200_000)})
    server.faults.drops["Ratings.csv"] = 1000
    error = failure(org, landing)
    assert error.transient
    assert f"{ORG}: the SFTP server 127.0.0.1:{server.port}" in str(error)
    # The first row of three ends with the file that landed; the second row is three tries, its first one shared.
    assert server.connections == QUICK.attempts
    assert landed_files(tmp_path) == ["Goals.csv"]
    with pytest.raises(UsageError):
        landing.last_delivery("edreflect", ORG, DAY)


def test_tries_are_bounded_by_the_clock(server: SftpServer, org: Org, landing: Landing) -> None:
    server.faults.refuse_connections = 1000
    with source_of(org, retry=RetryPolicy(attempts=1000, seconds=0, first_wait=0.01)) as source:
        with pytest.raises(FetchError) as caught:
            source.fetch(feed(), ORG, DAY, landing)
        assert caught.value.transient
        assert server.connections == 1


def test_after_giving_up_a_source_tries_once_per_operation(
    server: SftpServer, org: Org, root: Path, landing: Landing
) -> None:
    deliver(root)
    server.faults.refuse_connections = QUICK.attempts + 1
    with source_of(org) as source:
        for tries in (QUICK.attempts, QUICK.attempts + 1):
            with pytest.raises(FetchError):
                source.fetch(feed(), ORG, DAY, landing)
            assert server.connections == tries
        assert len(source.fetch(feed(), ORG, DAY, landing).files) == len(FILES)


def test_a_connection_refused_before_it_begins_is_made_anew(server: SftpServer, org: Org, root: Path) -> None:
    deliver(root)
    server.faults.refuse_connections = 2
    with source_of(org) as source:
        assert source.days(feed(), ORG) == [DAY]
    assert server.connections == 3


def test_a_server_that_is_not_there_is_transient(org: Org, landing: Landing) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        error = failure(replace(org, port=taken.getsockname()[1]), landing)
    assert error.transient
    assert "connection refused" in str(error)


def test_a_server_that_says_nothing_is_given_up(org: Org, landing: Landing) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent_org = replace(org, port=silent.getsockname()[1])
        impatient = Timeouts(connect=2, banner=0.2)
        retry = RetryPolicy(attempts=2, first_wait=0.01)
        source = SftpSource(silent_org, retry=retry, timeouts=impatient, environ=ENVIRON)
        with source, pytest.raises(FetchError) as caught:
            source.fetch(feed(), ORG, DAY, landing)
    assert caught.value.transient


def test_permission_denied_on_one_file_is_permanent(server: SftpServer, org: Org, root: Path, landing: Landing) -> None:
    deliver(root)
    server.faults.deny.add("Observations.csv")
    error = failure(org, landing)
    assert not error.transient
    assert "'Observations.csv'" in str(error)
    assert f"{ORG}, 2026-01-05" in str(error)
    assert server.connections == 1
    with pytest.raises(UsageError):
        landing.last_delivery("edreflect", ORG, DAY)


def test_permission_denied_on_a_folder_is_permanent(server: SftpServer, org: Org, root: Path, landing: Landing) -> None:
    deliver(root)
    server.faults.deny.add("export")
    with source_of(org) as source, pytest.raises(FetchError, match="denies listing springfield/export") as caught:
        source.days(feed(), ORG)
    assert not caught.value.transient


# Files in motion ------------------------------------------------------------------------------------------------------


def test_a_file_that_grows_between_two_looks_is_not_taken(
    server: SftpServer, org: Org, root: Path, landing: Landing, tmp_path: Path
) -> None:
    folder = deliver(root)

    def grow(_: str) -> None:
        with (folder / "Goals.csv").open("ab") as growing:
            growing.write(b"8,more\n")

    server.faults.after_listing = grow
    error = failure(org, landing)
    assert error.transient
    assert "still being written" in str(error)
    assert landed_files(tmp_path) == []
    server.faults.after_listing = None
    with source_of(org) as source:
        assert len(source.fetch(feed(), ORG, DAY, landing).files) == len(FILES)


def test_a_file_that_appears_between_two_looks_is_waited_for(
    server: SftpServer, org: Org, root: Path, landing: Landing, tmp_path: Path
) -> None:
    folder = deliver(root)
    server.faults.after_listing = lambda _: (folder / "Ratings.csv").write_bytes(b"rating_id\n")
    error = failure(org, landing)
    assert error.transient
    assert "1 of 4 files changed" in str(error)
    assert landed_files(tmp_path) == []


@pytest.mark.parametrize("change", ["grow", "shrink", "touch", "replace", "remove"])
def test_a_file_that_changes_while_it_is_read_is_not_taken(
    server: SftpServer, org: Org, root: Path, landing: Landing, change: str
) -> None:
    folder = deliver(root, {"Ratings.csv": b"x" * 200_000})
    path = folder / "Ratings.csv"

    def meddle(_: str) -> None:
        if change == "grow":
            path.write_bytes(b"x" * 200_001)
        elif change == "shrink":
            path.write_bytes(b"x" * 7)
        elif change == "touch":
            set_mtime(path, datetime(2026, 1, 6, tzinfo=UTC))
        elif change == "replace":
            path.unlink()
            path.write_bytes(b"y" * 200_000)
        else:
            path.unlink()

    server.faults.before_read = meddle
    error = failure(org, landing)
    assert error.transient
    assert server.connections == 1
    assert not [path for path in landing.root.rglob("*") if path.is_file()]


# Names from a hostile server ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    [b"../../x", b"..\\x", b"/etc/cron.d/x", b"a\0b", b"a\nb", b"a\x1b[2Jb", b"\xff\xfe", b"", b"x" * 300],
)
def test_a_name_that_is_no_file_name_stops_the_fetch(
    server: SftpServer, org: Org, root: Path, landing: Landing, tmp_path: Path, name: bytes
) -> None:
    deliver(root)
    server.faults.extra_names = (name,)
    before = sorted(tmp_path.rglob("*"))
    error = failure(org, landing)
    assert not error.transient
    assert ORG in str(error)
    assert str(error).isprintable()
    assert sorted(tmp_path.rglob("*")) == before
    assert server.connections == 1


def test_dots_and_hidden_names_are_ignored(server: SftpServer, org: Org, root: Path, landing: Landing) -> None:
    deliver(root)
    server.faults.extra_names = (b".", b"..", b".ssh")
    with source_of(org) as source:
        assert [landed.file for landed in source.fetch(feed(), ORG, DAY, landing).files] == sorted(FILES)


# Looking only ---------------------------------------------------------------------------------------------------------


def test_a_listing_shows_sizes_and_times_and_lands_nothing(
    server: SftpServer, org: Org, root: Path, tmp_path: Path
) -> None:
    deliver(root)
    with source_of(org) as source:
        listing = source.listing(feed(), ORG, DAY)
        assert source.listing(feed(), ORG, date(2026, 1, 6)) == {}
        server.faults.deny.add(DAY.isoformat())
        assert source.listing(feed(), ORG, DAY) == {}
    assert {name: seen.size for name, seen in listing.items()} == {
        name: len(content) for name, content in FILES.items()
    }
    assert {seen.mtime for seen in listing.values()} == {datetime(2026, 1, 5, 12, tzinfo=UTC).timestamp()}
    assert landed_files(tmp_path) == []


def test_a_check_lists_the_days_and_lands_nothing(server: SftpServer, org: Org, root: Path, tmp_path: Path) -> None:
    deliver(root)
    deliver(root, day=None)
    found = check_org(org, {"edreflect": feed()}, environ=ENVIRON)
    assert found.problem is None
    assert found.days == {"edreflect": [DAY, None]}
    assert found.fingerprint == server.fingerprint
    assert landed_files(tmp_path) == []


def test_a_check_shows_an_unknown_host_key_ready_to_pin(
    server: SftpServer, org: Org, root: Path, tmp_path: Path
) -> None:
    deliver(root)
    found = check_org(replace(org, host_key=(), known_hosts=tmp_path / "none"), {"edreflect": feed()}, environ=ENVIRON)
    assert found.problem is not None
    assert server.fingerprint in found.problem
    assert found.days == {}
    assert check_org(replace(org, host_key=(found.host_key,)), {"edreflect": feed()}, environ=ENVIRON).problem is None


# The server itself ----------------------------------------------------------------------------------------------------


def test_the_server_writes_nothing_and_serves_nothing_else(
    server: SftpServer, org: Org, root: Path, tmp_path: Path
) -> None:
    deliver(root)
    (tmp_path / "secret").write_text("x")
    with source_of(org) as source:
        client = source.connect()._sftp
        with pytest.raises(PermissionError):
            client.open("new.csv", "wb")
        with pytest.raises(PermissionError):
            client.mkdir("new")
        with pytest.raises(PermissionError):
            client.remove(f"{ORG}/export/2026-01-05/Goals.csv")
        with pytest.raises(PermissionError):
            client.rename(ORG, "capital")
        assert client.listdir("/..") == [ORG]
        with pytest.raises(FileNotFoundError):
            client.stat("../secret")


def test_the_server_ends_with_its_block(root: Path) -> None:
    before = set(threading.enumerate())
    with SftpServer({"spring": SftpUser(root, PASSWORD)}) as running:
        port = running.port
    assert not set(threading.enumerate()) - before
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), 5)
