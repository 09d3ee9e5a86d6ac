"""Loads that commit while a build runs, builders that meet, builders that die: nothing is lost, doubled or half applied.

A build is stopped at a known point by a lock that a test holds on the table the model is about to write: by then the
model has taken its snapshot, its pending loads and its key log's new entries, and has written none of its rows.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import date
from pathlib import Path

import pytest
from psycopg2.extensions import connection as Connection  # noqa: N812

from edreflect_assets.database import connect
from edreflect_assets.settings import Settings
from edreflect_assets.warehouse import BuildInProgress, build, builder_lock, pending
from edreflect_assets.warehouse.build import run_dbt
from tests.model.database import fresh_database, load, pending_loads, rows
from tests.model.log import Delivery, Log
from tests.model.state import state

DAY = date(2026, 3, 2)
NEXT_DAY = date(2026, 3, 3)


@pytest.fixture(scope="module")
def settings(
    postgres_server: Settings, template_database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Settings]:
    with fresh_database(postgres_server, template_database, tmp_path_factory.mktemp("build")) as made:
        assert build(made).succeeded
        yield made


@pytest.fixture
def ledger(settings: Settings) -> Iterator[Connection]:
    with closing(connect(settings)) as opened:
        yield opened


@pytest.fixture
def org(request: pytest.FixtureRequest) -> str:
    return request.node.name.replace("[", "_").replace("]", "")[:60]


def comments(org: str, day: date, *texts: str, group: str = "o1") -> Delivery:
    body = "".join(f"{group},i1,{text}\n" for text in texts)
    return Delivery(
        org,
        day,
        {
            "Observation_Modified.csv": f"observation_group_id\n{group}\n".encode(),
            "Observation_Comments.csv": f"observation_group_id,indicator_id,comment\n{body}".encode(),
            "Observation_Feedback.csv": f"observation_group_id,feedback\n{group},{'/'.join(texts)}\n".encode(),
        },
    )


def texts_of(
    connection: Connection, org: str, column: str = "comment", table: str = "observation_comments"
) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(f"select {column} from edreflect.{table} where org_id = %s order by 1", (org,))
        found = [text for (text,) in cursor.fetchall()]
    connection.commit()
    return found


@contextmanager
def held(settings: Settings, relation: str) -> Iterator[Callable[[], None]]:
    """Hold back whoever writes to `relation`; gives a function that waits until somebody is held back."""
    with closing(connect(settings)) as holder, closing(connect(settings)) as watcher:
        watcher.autocommit = True
        with holder.cursor() as cursor:
            cursor.execute(f"lock table {relation} in share mode")

        def wait() -> None:
            for _ in range(1200):
                with watcher.cursor() as cursor:
                    cursor.execute(
                        "select exists (select from pg_locks where relation = %s::regclass and not granted"
                        " and database = (select oid from pg_database where datname = current_database()))",
                        (relation,),
                    )
                    if cursor.fetchone() == (True,):
                        return
                time.sleep(0.05)
            raise AssertionError(f"nobody came to write {relation}")

        yield wait
        holder.rollback()


class BuildInThread(threading.Thread):
    def __init__(self, settings: Settings, select: str | None = None) -> None:
        super().__init__()
        self._build = (settings, select)
        self.failures: tuple[str, ...] = ("the build did not end",)

    def run(self) -> None:
        settings, select = self._build
        self.failures = build(settings, select=select).failures


def test_a_load_that_commits_in_the_middle_of_a_models_select_is_applied_by_the_next_build(
    settings: Settings, ledger: Connection, org: str
) -> None:
    load(ledger, settings, comments(org, DAY, "first"))
    building = BuildInThread(settings)
    with held(settings, "edreflect.observation_comments") as wait:
        building.start()
        wait()
        load(ledger, settings, comments(org, NEXT_DAY, "second"))
    building.join()

    assert building.failures == ()
    assert texts_of(ledger, org) == ["first"]
    assert pending_loads(ledger) > 0
    assert build(settings).succeeded
    assert texts_of(ledger, org) == ["second"]
    assert pending_loads(ledger) == 0


def test_a_load_that_commits_between_two_models_of_a_build_reaches_both(
    settings: Settings, ledger: Connection, org: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDREFLECT_DBT_THREADS", "1")
    load(ledger, settings, comments(org, DAY, "first"))
    building = BuildInThread(settings, "edreflect__observation_comments edreflect__observation_feedback")
    with held(settings, "edreflect.observation_comments") as wait:
        building.start()
        wait()
        load(ledger, settings, comments(org, DAY, "corrected"))
    building.join()

    assert building.failures == ()
    assert texts_of(ledger, org) == ["first"]
    assert texts_of(ledger, org, "feedback", "observation_feedback") == ["corrected"]
    assert {model.model for model in pending(ledger)} >= {"edreflect__observation_comments"}
    ledger.commit()
    assert build(settings).succeeded
    assert texts_of(ledger, org) == ["corrected"]
    assert texts_of(ledger, org, "feedback", "observation_feedback") == ["corrected"]
    assert pending_loads(ledger) == 0


def test_as_of_sees_loads_that_no_build_has_applied(settings: Settings, ledger: Connection, org: str) -> None:
    load(ledger, settings, comments(org, DAY, "first"))
    assert build(settings).succeeded
    load(ledger, settings, comments(org, NEXT_DAY, "second"))
    load(ledger, settings, comments(org, DAY, "corrected"))

    assert texts_of(ledger, org) == ["first"]
    assert [row[3:] for row in rows(ledger, "observation_comments", DAY)[org]] == [(None, "corrected")]
    assert [row[3:] for row in rows(ledger, "observation_comments", NEXT_DAY)[org]] == [(None, "second")]
    assert build(settings).succeeded


def test_a_second_builder_is_told_to_come_back(settings: Settings) -> None:
    with builder_lock(settings), pytest.raises(BuildInProgress):
        build(settings)


def test_dbt_started_by_hand_beside_a_build_fails_for_the_model_at_work(
    settings: Settings, ledger: Connection, org: str
) -> None:
    load(ledger, settings, comments(org, DAY, "first"))
    with closing(connect(settings)) as other, other.cursor() as cursor:
        cursor.execute(
            "select pg_advisory_lock(hashtext('edreflect build'), hashtext('edreflect__observation_comments'))"
        )
        report = run_dbt(settings, ["run", "--select", "edreflect__observation_comments"])
    assert len(report.failures) == 1
    assert "Another build is applying edreflect__observation_comments" in report.failures[0]
    assert build(settings).succeeded
    assert texts_of(ledger, org) == ["first"]


@pytest.mark.parametrize("change", ["a changed logic version", "a new model"])
def test_a_replay_gives_the_same_state_in_place(settings: Settings, ledger: Connection, org: str, change: str) -> None:
    load(ledger, settings, comments(org, DAY, "one", "two"))
    assert build(settings).succeeded
    before = _identity_and_rows(ledger)
    with ledger.cursor() as cursor:
        if change == "a new model":
            cursor.execute("delete from ops.applied where model = 'edreflect__observation_comments'")
        else:
            cursor.execute(
                "update ops.applied set logic_version = 'older' where model = 'edreflect__observation_comments'"
            )
            cursor.execute("update edreflect.observation_comments set comment = 'what the older logic made of it'")
    ledger.commit()
    assert build(settings, everything=True).succeeded
    assert _identity_and_rows(ledger) == before
    assert pending_loads(ledger) == 0


def test_a_build_of_chosen_models_leaves_the_rest_due(settings: Settings, ledger: Connection) -> None:
    with ledger.cursor() as cursor:
        cursor.execute("update ops.builds set project_checksum = 'that of another release'")
    ledger.commit()
    assert build(settings, select="stg_edreflect__goals").succeeded
    assert "edreflect__goals" in build(settings).models


def test_a_full_refresh_by_an_operator_drops_nothing(settings: Settings, ledger: Connection, org: str) -> None:
    load(ledger, settings, comments(org, DAY, "one", "two"))
    assert build(settings).succeeded
    before = _identity_and_rows(ledger)
    assert run_dbt(settings, ["run", "--full-refresh"]).failures == ()
    assert _identity_and_rows(ledger) == before


def _identity_and_rows(connection: Connection) -> tuple[list[tuple[object, ...]], Counter[object]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "select c.oid, n.nspname, c.relname from pg_class as c join pg_namespace as n on n.oid = c.relnamespace"
            " where n.nspname in ('edreflect', 'analytics') and c.relkind in ('r', 'v') and c.relname not like '%_history'"
            " order by 2, 3"
        )
        relations = cursor.fetchall()
        cursor.execute("select * from edreflect.observation_comments")
        found = Counter(cursor.fetchall())
    connection.commit()
    return relations, found


_BUILD = (
    "import sys; from pathlib import Path; from edreflect_assets.settings import Settings;"
    " from edreflect_assets.warehouse import build;"
    " build(Settings(home=Path(sys.argv[1]), database_url=sys.argv[2]))"
)


def start_build(settings: Settings) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", _BUILD, str(settings.home), str(settings.database_url)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=Path(__file__).parents[2],
        env={**os.environ, "POLARS_MAX_THREADS": "1"},
    )


def test_a_build_killed_at_any_point_leaves_nothing_lost_doubled_or_half_applied(
    settings: Settings, ledger: Connection, org: str
) -> None:
    seed = int(os.environ.get("EDREFLECT_TEST_SEED", "0")) or random.randrange(1, 10**6)
    chance = random.Random(seed)
    log = Log()
    for number in range(6):
        day = date(2026, 4, 1 + number % 3)
        delivery = comments(
            org, day, *(f"{number}-{item}" for item in range(chance.randrange(4))), group=f"o{number % 2}"
        )
        load(ledger, settings, delivery)
        log.load(delivery)
        builder = start_build(settings)
        if number == 0:
            with held(settings, "edreflect.observation_comments") as wait:
                wait()
                builder.send_signal(signal.SIGKILL)
                builder.wait()
        else:
            try:
                builder.wait(timeout=chance.uniform(1, 7))
            except subprocess.TimeoutExpired:
                builder.send_signal(signal.SIGKILL)
                builder.wait()
        for table in ("observation_comments", "observation_feedback"):
            assert _is_a_state_of_a_loaded_prefix(ledger, org, table), (seed, table)
    assert build(settings).failures == (), seed
    for table in ("observation_comments", "observation_feedback"):
        assert rows(ledger, table)[org] == state(log, org, table), (seed, table)
    assert pending_loads(ledger) == 0


def _is_a_state_of_a_loaded_prefix(connection: Connection, org: str, table: str) -> bool:
    """Tell whether the rows are those of exactly the loads the model has recorded as applied."""
    column = "comment" if table == "observation_comments" else "feedback"
    with connection.cursor() as cursor:
        cursor.execute(
            f"select observation_group_id, {column} from edreflect.{table} where org_id = %s"
            " except"
            f" select observation_group_id, {column} from edreflect_log.{table} where org_id = %s and _kind = 'row'"
            "   and _load_id in (select load_id from ops.applied where model = %s)",
            (org, org, f"edreflect__{table}"),
        )
        strange = cursor.fetchall()
    connection.commit()
    return strange == []


def test_two_loaders_a_build_and_a_reader_at_the_same_time(settings: Settings, ledger: Connection, org: str) -> None:
    log = Log()
    orgs = (f"{org[:50]}_a", f"{org[:50]}_b")
    deliveries = {
        each: [comments(each, date(2026, 5, 1 + n % 5), f"{n}", f"{n}!", group=f"o{n % 3}") for n in range(12)]
        for each in orgs
    }
    for each in orgs:
        for delivery in deliveries[each]:
            log.load(delivery)
    troubles: list[BaseException] = []
    done = threading.Event()

    def guarded(work: Callable[[Connection], None]) -> Callable[[], None]:
        def run() -> None:
            try:
                with closing(connect(settings)) as connection:
                    work(connection)
            except BaseException as error:
                troubles.append(error)

        return run

    def loads(each: str) -> Callable[[Connection], None]:
        return lambda connection: [load(connection, settings, delivery) for delivery in deliveries[each]] and None

    def reads(connection: Connection) -> None:
        connection.autocommit = True
        with connection.cursor() as cursor:
            while not done.is_set():
                cursor.execute(
                    "select count(*) from (select org_id, observation_group_id from edreflect.observation_comments"
                    " where org_id = any(%s) group by 1, 2 having count(*) <> 2) as half",
                    (list(orgs),),
                )
                assert cursor.fetchone() == (0,)

    threads = [threading.Thread(target=guarded(loads(each))) for each in orgs] + [
        threading.Thread(target=guarded(reads))
    ]
    for thread in threads:
        thread.start()
    assert build(settings).failures == ()
    for thread in threads[:2]:
        thread.join()
    assert build(settings).failures == ()
    done.set()
    threads[2].join()

    assert troubles == []
    assert pending_loads(ledger) == 0
    for each in orgs:
        assert rows(ledger, "observation_comments")[each] == state(log, each, "observation_comments")
