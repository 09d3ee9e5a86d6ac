"""A loading process that is killed at any moment leaves a whole delivery or none of it."""

from __future__ import annotations

import os
import pickle
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from landed_deliveries import DAY, EDREFLECT, deliver, rows
from psycopg2.extensions import connection as Connection  # noqa: N812

from edreflect_assets.landing import Delivery
from edreflect_assets.loading.load import load_delivery
from edreflect_assets.settings import Settings

LOADER = """
import pickle, sys
from contextlib import closing
from edreflect_assets.contracts import load_feeds
from edreflect_assets.database import connect
from edreflect_assets.loading.load import load_delivery
settings, delivery = pickle.load(sys.stdin.buffer)
feed = load_feeds()["edreflect"]
with closing(connect(settings, application_name="doomed")) as connection:
    print("ready", flush=True)
    load_delivery(connection, feed, delivery)
    print("done", flush=True)
"""
ROWS = 30_000
GOOD = {
    "Goals.csv": ROWS,
    "Goal_Posts.csv": ROWS,
    "Goals_Questions.csv": ROWS - 30,
}


def version(number: int) -> dict[str, bytes]:
    """Return a delivery's files, different for each number; one of them has bad lines."""
    titles = b"".join(b"%d,e%d,version %d\n" % (n, n, number) for n in range(ROWS))
    posts = b"".join(b'%d,p%d,"version, %d"\n' % (n, n, number) for n in range(ROWS))
    questions = b"".join(b"%d,q%d,version %d\n" % (n, n, number) if n % 1000 else b"bad\n" for n in range(ROWS))
    return {
        "Goals.csv": b"goal_id,employee_id,goal_title\n" + titles,
        "Goal_Posts.csv": b"goal_id,post_id,post_text,mood\n" + posts.replace(b"\n", b",m\n"),
        "Goals_Questions.csv": b"goal_id,question_id,question_text\n" + questions,
    }


@contextmanager
def loader(database: Settings, delivery: Delivery) -> Iterator[subprocess.Popen[bytes]]:
    """Start a process that loads ``delivery``, ready to begin; it is gone afterwards."""
    process = subprocess.Popen([sys.executable, "-c", LOADER], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(pickle.dumps((database, delivery)))
        process.stdin.close()
        assert process.stdout.readline() == b"ready\n"
        yield process
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def state(connection: Connection) -> dict[str, tuple[int, int, int]]:
    """Return, for each current file, its rows by the ledger, in the raw table, and its quarantined records."""
    found = {}
    for file, load_id, counted in rows(
        connection, "select file, load_id, rows from ops.load_log where status = 'current'"
    ):
        table = EDREFLECT.files[file].table
        ((stored,),) = rows(connection, f"select count(*) from raw_edreflect.{table} where _load_id = %s", load_id)
        ((bad,),) = rows(connection, "select count(*) from ops.quarantine where load_id = %s", load_id)
        found[file] = (counted, stored, bad)
    return found


WHOLE = {file: (good, good, ROWS - good) for file, good in GOOD.items()}


def assert_nothing_is_left_of_others(connection: Connection) -> None:
    """Every raw row and every quarantined record belongs to a load of the ledger."""
    for file in GOOD:
        orphans = f"select count(*) from raw_edreflect.{EDREFLECT.files[file].table} as r where not exists"
        orphans += " (select from ops.load_log as l where l.load_id = r._load_id)"
        assert rows(connection, orphans) == [(0,)]
    orphans = "select count(*) from ops.quarantine where load_id not in (select load_id from ops.load_log)"
    assert rows(connection, orphans) == [(0,)]


@pytest.mark.parametrize("seed", [1])
def test_killed_loads_are_whole_or_not_there(connection: Connection, database: Settings, seed: int) -> None:
    chance = random.Random(seed)
    with loader(database, deliver(database, version(0))) as process:
        began = time.monotonic()
        assert process.wait() == 0
        usual = time.monotonic() - began
    assert state(connection) == WHOLE
    loaded_before = rows(connection, "select max(load_id) from ops.load_log where status = 'current'")
    for number in range(1, 6):
        delivery = deliver(database, version(number))
        with loader(database, delivery) as process:
            time.sleep(chance.uniform(0, usual * 1.1))
            os.kill(process.pid, signal.SIGKILL)
        # The lock of the killed loader goes with its connection; whoever comes next waits for that.
        report = load_delivery(connection, EDREFLECT, delivery)
        assert report.day == DAY
        assert len({file.status for file in report.files}) == 1
        assert state(connection) == WHOLE
        assert_nothing_is_left_of_others(connection)
        loaded_now = rows(connection, "select max(load_id) from ops.load_log where status = 'current'")
        assert loaded_now > loaded_before
        loaded_before = loaded_now
    assert rows(connection, "select file, count(*) from ops.load_log group by file order by file") == [
        (file, 6) for file in sorted(GOOD)
    ]


def test_a_killed_first_load_leaves_nothing_visible(connection: Connection, database: Settings) -> None:
    delivery = deliver(database, version(0))
    with loader(database, delivery) as process:
        assert rows(connection, "select 1") == [(1,)]
        os.kill(process.pid, signal.SIGKILL)
    # Whole if the kill came too late, otherwise nothing.
    assert state(connection) in ({}, WHOLE)
    load_delivery(connection, EDREFLECT, delivery)
    assert state(connection) == WHOLE
    assert_nothing_is_left_of_others(connection)
