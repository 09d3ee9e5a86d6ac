"""A delivery becomes rows, ledger and reports in one transaction, once, whoever else is loading."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import date

import pytest
from landed_deliveries import DAY, EDREFLECT, deliver, ledger, rows
from psycopg2.extensions import TRANSACTION_STATUS_IDLE
from psycopg2.extensions import connection as Connection  # noqa: N812

from edreflect_assets.database import connect
from edreflect_assets.errors import ConfigurationError, Refused, UsageError
from edreflect_assets.loading.failures import LoadError
from edreflect_assets.loading.load import DeliveryReport, LoadOptions, load_delivery
from edreflect_assets.settings import Settings

GOALS = b"goal_id,employee_id,goal_title,goal_due_date\n1,e1,Read,2026-05-01\n2,e2,,2026-04-01\n"
MODIFIED = b"goal_id,goal_modified_date\n1,2026-03-01T08:00:00\n2,2026-03-01T09:00:00\n"
POSTS = b"goal_id,post_id,author_employee_id,post_text\n1,p1,e1,Done\n"
QUESTIONS = b"goal_id,question_id,question_text,answer_text\n1,q1,Why?,So\n"


@pytest.fixture(autouse=True)
def _no_transaction_is_left_open(connection: Connection) -> Iterator[None]:
    yield
    assert connection.info.transaction_status == TRANSACTION_STATUS_IDLE


def load(connection: Connection, settings: Settings, files: dict[str, bytes], **more: object) -> DeliveryReport:
    where = {key: more.pop(key) for key in ("org_id", "day") if key in more}
    return load_delivery(connection, EDREFLECT, deliver(settings, files, **where), **more)  # type: ignore[arg-type]


def test_rows_carry_their_lineage_and_empty_fields_are_null(connection: Connection, database: Settings) -> None:
    text = b'\xef\xbb\xbfGoal_Title,goal_id\r\n"a ""b""\r\nc",1\r\n"",2\r\n NULL ,\\N\r\n,4'
    report = load(connection, database, {"Goals.csv": text})
    (file,) = report.files
    assert (file.file, file.table, file.rows, file.quarantined, file.status) == ("Goals.csv", "goals", 4, 0, "loaded")
    assert rows(
        connection,
        "select org_id, _load_id, _row, _line, goal_id, goal_title, employee_id from raw_edreflect.goals order by _row",
    ) == [
        ("springfield", file.load_id, 1, 2, "1", 'a "b"\r\nc', None),
        ("springfield", file.load_id, 2, 4, "2", None, None),
        ("springfield", file.load_id, 3, 5, "\\N", " NULL ", None),
        ("springfield", file.load_id, 4, 6, "4", None, None),
    ]


def test_the_ledger_says_what_was_loaded(connection: Connection, database: Settings) -> None:
    delivery = deliver(database, {"Goals.csv": GOALS + b"ragged\n"})
    options = LoadOptions(run_id="run-7", max_rejected_share=0.5)
    (file,) = load_delivery(connection, EDREFLECT, delivery, options=options).files
    found = rows(
        connection,
        "select feed, org_id, day, file, table_name, sha256, bytes, rows, quarantined, status, reason, header,"
        " unknown_columns, run_id, loaded_at <= clock_timestamp(), warnings, profile from ops.load_log",
    )
    header = ["goal_id", "employee_id", "goal_title", "goal_due_date"]
    identity = ("edreflect", "springfield", DAY, "Goals.csv", "goals", delivery.files[0].sha256, len(GOALS) + 7)
    assert found == [
        (*identity, 2, 1, "current", None, header, [], "run-7", True, list(file.warnings), dict(file.profile))
    ]
    assert rows(connection, "select load_id, line, reason, raw_line, column_name, model from ops.quarantine") == [
        (file.load_id, 4, "wrong number of fields: 1 instead of 4", "ragged", None, None)
    ]


def test_the_profile_holds_figures_and_dates_only(connection: Connection, database: Settings) -> None:
    text = GOALS + b'2,"",Title,soon\n3,e3,Title,\n'
    (file,) = load(connection, database, {"Goals.csv": text}).files
    assert file.profile == {
        "rows": 4,
        "nulls": {"goal_id": 0, "employee_id": 1, "goal_title": 1, "goal_due_date": 1},
        "distinct_keys": 3,
        "distinct_keys_exact": True,
        "dates": {"goal_due_date": {"min": "2026-04-01", "max": "2026-05-01", "not_dates": 1}},
    }
    assert "1 rows repeat a key of this file; the later line wins" in file.warnings


def test_the_same_bytes_are_not_loaded_again(connection: Connection, database: Settings) -> None:
    first = load(connection, database, {"Goals.csv": GOALS})
    second = load(connection, database, {"Goals.csv": GOALS})
    assert [file.status for file in second.files] == ["unchanged"]
    assert replace(second.files[0], status="loaded") == first.files[0]
    assert len(ledger(connection)) == 1


def test_again_makes_a_new_load_of_the_same_bytes(connection: Connection, database: Settings) -> None:
    first = load(connection, database, {"Goals.csv": GOALS})
    second = load(connection, database, {"Goals.csv": GOALS}, again=True)
    assert second.files[0].load_id > first.files[0].load_id
    assert [row[2] for row in ledger(connection)] == ["superseded", "current"]


def test_other_bytes_supersede_and_old_bytes_supersede_again(connection: Connection, database: Settings) -> None:
    for text in (GOALS, GOALS + b"3,e3,,\n", GOALS):
        load(connection, database, {"Goals.csv": text})
    assert [(row[2], row[3]) for row in ledger(connection)] == [("superseded", 2), ("superseded", 3), ("current", 2)]
    assert rows(connection, "select count(*) from raw_edreflect.goals") == [(7,)]


def test_a_file_absent_from_a_redelivery_keeps_its_load(connection: Connection, database: Settings) -> None:
    load(connection, database, {"Goals.csv": GOALS, "Goals_Modified.csv": MODIFIED})
    load(connection, database, {"Goals.csv": GOALS + b"3,e3,,\n"})
    current = rows(connection, "select file, rows from ops.load_log where status = 'current' order by file")
    assert current == [("Goals.csv", 3), ("Goals_Modified.csv", 2)]


def test_days_and_orgs_do_not_supersede_each_other(connection: Connection, database: Settings) -> None:
    load(connection, database, {"Goals.csv": GOALS})
    load(connection, database, {"Goals.csv": GOALS}, org_id="shelbyville")
    load(connection, database, {"Goals.csv": GOALS}, day=date(2026, 3, 3))
    assert [row[2] for row in ledger(connection)] == ["current"] * 3


def test_id_maps_have_no_day(connection: Connection, database: Settings) -> None:
    for text in (b"old_id,new_id\n1,2\n", b"old_id,new_id\n1,3\n"):
        load(connection, database, {"goal_ids.csv": text}, day=None)
    found = rows(connection, "select day, file, status from ops.load_log order by load_id")
    assert found == [(None, "goal_ids.csv", "superseded"), (None, "goal_ids.csv", "current")]


def test_a_file_in_the_wrong_kind_of_folder_is_not_loaded(connection: Connection, database: Settings) -> None:
    (file,) = load(connection, database, {"Goals.csv": GOALS}, day=None).files
    assert (file.status, file.rows) == ("unlisted", 0)
    assert file.warnings == ("this file belongs into the folder of a day",)


def test_deprecated_and_unlisted_files_are_recorded_once(connection: Connection, database: Settings) -> None:
    files = {"Observation_Survey.csv": b"a\n1\n", "Notes.txt": b"\0", "goals.CSV": GOALS}
    for _ in range(2):
        report = load(connection, database, files)
    assert {(file.file, file.status) for file in report.files} == {
        ("Observation_Survey.csv", "deprecated"),
        ("Notes.txt", "unlisted"),
        ("Goals.csv", "unchanged"),
    }
    assert sorted(row[1:] for row in ledger(connection)) == [
        ("Goals.csv", "current", 2, 0),
        ("Notes.txt", "unlisted", 0, 0),
        ("Observation_Survey.csv", "deprecated", 0, 0),
    ]


def test_a_header_alone_is_a_load_with_no_rows(connection: Connection, database: Settings) -> None:
    load(connection, database, {"Goals.csv": GOALS})
    (file,) = load(connection, database, {"Goals.csv": b"goal_id\r\n\r\n"}).files
    assert (file.status, file.rows, file.quarantined) == ("loaded", 0, 0)
    assert [row[2] for row in ledger(connection)] == ["superseded", "current"]


def test_a_refused_file_refuses_its_delivery_and_nothing_else(connection: Connection, database: Settings) -> None:
    load(connection, database, {"Goals.csv": GOALS})
    load(connection, database, {"Goals.csv": GOALS}, org_id="shelbyville")
    files = {"Goals.csv": GOALS + b"3,e3,,\n", "Goals_Modified.csv": b""}
    for _ in range(2):
        with pytest.raises(Refused) as refused:
            load(connection, database, files)
    assert str(refused.value).startswith(
        "edreflect of springfield, 2026-03-02 refused: Goals_Modified.csv: the file is empty (0 bytes)"
    )
    assert ledger(connection) == [
        ("springfield", "Goals.csv", "current", 2, 0),
        ("shelbyville", "Goals.csv", "current", 2, 0),
        ("springfield", "Goals_Modified.csv", "refused", 0, 0),
    ]
    assert rows(connection, "select count(*) from raw_edreflect.goals") == [(4,)]
    ((reason, sha256),) = rows(connection, "select reason, sha256 from ops.load_log where status = 'refused'")
    assert reason == refused.value.cause
    assert len(sha256) == 64


def test_a_file_refused_in_the_middle_of_its_rows_leaves_nothing(connection: Connection, database: Settings) -> None:
    text = GOALS + b"".join(b"%d,e,t,2026-01-01\n" % n for n in range(100_000)) + b"ragged\n" * 100_000
    with pytest.raises(
        Refused, match=r"100000 of 200002 records cannot be read, more than the 5.0% allowed; the first"
    ):
        load(connection, database, {"Goals.csv": text})
    assert rows(connection, "select count(*) from raw_edreflect.goals") == [(0,)]
    assert rows(connection, "select count(*) from ops.quarantine") == [(0,)]


@pytest.mark.parametrize(("bad", "refused"), [(5, False), (6, True)])
def test_the_share_that_refuses_a_file(connection: Connection, database: Settings, bad: int, refused: bool) -> None:
    text = b"goal_id,goal_title\n" + b"1,t\n" * (100 - bad) + b"ragged\n" * bad
    if refused:
        with pytest.raises(Refused, match="6 of 100 records"):
            load(connection, database, {"Goals.csv": text})
    else:
        assert load(connection, database, {"Goals.csv": text}).files[0].quarantined == bad


def test_two_spellings_of_one_file_are_refused(connection: Connection, database: Settings) -> None:
    delivery = deliver(database, {"Goals.csv": GOALS})
    twice = replace(delivery, files=(*delivery.files, replace(delivery.files[0], file="GOALS.csv")))
    with pytest.raises(Refused, match=r"Goals.csv: two files of this name were delivered"):
        load_delivery(connection, EDREFLECT, twice)


def test_unknown_and_removed_columns_are_kept_in_raw(connection: Connection, database: Settings) -> None:
    posts = b"goal_id,post_id,Post Created Date,Mood,org_id\n1,p1,2026-01-01,fine,x\n"
    (file,) = load(connection, database, {"Goal_Posts.csv": posts}).files
    assert rows(
        connection,
        "select org_id, goal_id, post_created_date, mood, delivered_org_id, post_text from raw_edreflect.goal_posts",
    ) == [("springfield", "1", "2026-01-01", "fine", "x", None)]
    assert [warning.split(":")[0].split(" is")[0] for warning in file.warnings] == [
        "columns author_employee_id, post_text are missing from the header and null in every row",
        "columns mood, delivered_org_id are not in the contract and kept in the raw table only",
        "legacy export",
    ]
    ((missing, unknown),) = rows(connection, "select missing_columns, unknown_columns from ops.load_log")
    assert missing == ["author_employee_id", "post_text"]
    assert unknown == ["mood", "delivered_org_id", "post_created_date"]


def test_a_table_in_use_keeps_new_columns_out_for_a_while_only(connection: Connection, database: Settings) -> None:
    options = LoadOptions(lock_wait_seconds=0.1)
    files = {"Goals.csv": b"goal_id,mood\n1,fine\n"}
    with closing(connect(database)) as reader:
        assert rows_left_open(reader) == 0
        with pytest.raises(LoadError, match=r"raw_edreflect.goals needs new columns and has been in use") as error:
            load(connection, database, files, options=options)
        assert error.value.transient
        assert load(connection, database, {"Goals.csv": GOALS}, options=options).files[0].rows == 2
        reader.rollback()
    assert load(connection, database, files, options=options).files[0].rows == 1


def rows_left_open(connection: Connection) -> int:
    """Read the raw table as a build does, and stay in the transaction."""
    with connection.cursor() as cursor:
        cursor.execute("select count(*) from raw_edreflect.goals")
        return int(cursor.fetchone()[0])  # type: ignore[index]


def test_a_missing_dependent_file_is_a_warning(connection: Connection, database: Settings) -> None:
    report = load(connection, database, {"Goals_Modified.csv": MODIFIED, "Goal_Posts.csv": POSTS})
    warnings = {file.file: file.warnings for file in report.files}
    assert warnings == {
        "Goal_Posts.csv": (),
        "Goals_Modified.csv": ("Goals_Questions.csv is missing: the 2 keys named here end with no rows there",),
    }


def test_a_missing_dependent_file_can_refuse_the_delivery(connection: Connection, database: Settings) -> None:
    strict = LoadOptions(missing_file="refuse")
    files = {"Goals_Modified.csv": MODIFIED, "Goal_Posts.csv": POSTS}
    with pytest.raises(Refused, match=r"Goals_Questions.csv: it is missing while Goals_Modified.csv names 2 keys"):
        load(connection, database, files, options=strict)
    load(connection, database, {**files, "Goals_Questions.csv": QUESTIONS}, options=strict)
    changed = {**files, "Goals_Modified.csv": MODIFIED + b"3,\n"}
    statuses = {file.file: file.status for file in load(connection, database, changed, options=strict).files}
    assert statuses == {"Goals_Modified.csv": "loaded", "Goal_Posts.csv": "unchanged"}


def test_nothing_is_missing_when_the_reference_names_no_key(connection: Connection, database: Settings) -> None:
    header = {"Goals_Modified.csv": b"goal_id,goal_modified_date\n"}
    report = load(connection, database, header, options=LoadOptions(missing_file="refuse"))
    assert report.files[0].warnings == ()


def test_four_loaders_of_one_delivery_make_one_load(connection: Connection, database: Settings) -> None:
    files = {"Goals.csv": b"goal_id,goal_title,mood\n" + b"1,t,m\n" * 5000, "Goals_Modified.csv": MODIFIED}
    delivery = deliver(database, files)
    barrier = threading.Barrier(4)

    def one_loader(_: int) -> list[str]:
        with closing(connect(database)) as own:
            barrier.wait()
            return [file.status for file in load_delivery(own, EDREFLECT, delivery).files]

    with ThreadPoolExecutor(4) as pool:
        statuses = sorted(pool.map(one_loader, range(4)))
    assert statuses == [["loaded", "loaded"], *[["unchanged", "unchanged"]] * 3]
    assert [row[1:4] for row in ledger(connection)] == [
        ("Goals.csv", "current", 5000),
        ("Goals_Modified.csv", "current", 2),
    ]
    assert rows(connection, "select count(*) from raw_edreflect.goals") == [(5000,)]


def test_many_loaders_with_new_columns_of_the_same_table_do_not_deadlock(
    connection: Connection, database: Settings
) -> None:
    def one_loader(number: int) -> int:
        posts = b"goal_id,extra_%d,shared\n1,x,y\n" % (number % 3)
        goals = b"goal_id,other_%d,shared\n1,x,y\n" % (number % 2)
        delivery = deliver(database, {"Goal_Posts.csv": posts, "Goals.csv": goals}, org_id=f"org{number}")
        with closing(connect(database)) as own:
            return sum(file.rows for file in load_delivery(own, EDREFLECT, delivery).files)

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(one_loader, range(12))) == 24
    assert rows(
        connection, "select count(extra_0) + count(extra_1) + count(extra_2) from raw_edreflect.goal_posts"
    ) == [(12,)]


def test_two_versions_at_once_leave_one_current_load(connection: Connection, database: Settings) -> None:
    versions = [deliver(database, {"Goals.csv": GOALS + b"3,e%d,,\n" % number}) for number in range(4)]

    def one_loader(number: int) -> None:
        with closing(connect(database)) as own:
            load_delivery(own, EDREFLECT, versions[number])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(one_loader, range(4)))
    found = rows(connection, "select status, load_id, loaded_at from ops.load_log order by loaded_at")
    assert [status for status, _, _ in found] == ["superseded"] * 3 + ["current"]


def test_no_value_of_a_file_reaches_an_error_or_a_log(
    connection: Connection, database: Settings, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    secret = "Marked-Value-4711"
    bodies = [
        f"goal_id\n{secret},{secret}\n",
        f"{secret},{secret}\n{secret}\n",
        f'goal_id,goal_title,\n1,"{secret}",{secret}\n',
        f'goal_id,goal_title\n"{secret}"x,1\n',
    ]
    texts = []
    for body in bodies:
        with pytest.raises(Refused) as refused:
            load(connection, database, {"Goals.csv": body.encode()})
        texts += [str(refused.value), repr(refused.value)]
    connection.cursor().execute("alter table raw_edreflect.goals add constraint none check (goal_id is null)")
    connection.commit()
    with pytest.raises(LoadError) as failed:
        load(connection, database, {"Goals.csv": f"goal_id\n{secret}\n".encode()})
    assert "SQLSTATE 23514" in str(failed.value)
    assert failed.value.__suppress_context__
    captured = capfd.readouterr()
    assert secret not in "".join([*texts, str(failed.value), caplog.text, captured.out, captured.err])
    reasons = rows(connection, "select concat(reason, header, warnings, profile) from ops.load_log")
    assert reasons
    assert secret not in str(reasons)


def test_a_connection_in_use_is_not_taken(connection: Connection, database: Settings) -> None:
    delivery = deliver(database, {"Goals.csv": GOALS})
    connection.cursor().execute("select 1")
    with pytest.raises(UsageError):
        load_delivery(connection, EDREFLECT, delivery)
    connection.rollback()


def test_a_lost_connection_is_worth_another_try(connection: Connection, database: Settings) -> None:
    delivery = deliver(database, {"Goals.csv": GOALS})
    with closing(connect(database)) as doomed:
        doomed_pid = doomed.info.backend_pid
        assert rows(connection, "select pg_terminate_backend(%s, 5000)", doomed_pid) == [(True,)]
        with pytest.raises(LoadError) as error:
            load_delivery(doomed, EDREFLECT, delivery)
    assert error.value.transient


def test_landed_bytes_that_changed_are_not_loaded(connection: Connection, database: Settings) -> None:
    delivery = deliver(database, {"Goals.csv": GOALS})
    cut = replace(delivery, files=(replace(delivery.files[0], bytes=10),))
    with pytest.raises(LoadError, match=r"landed bytes of Goals.csv of springfield are not those"):
        load_delivery(connection, EDREFLECT, cut)


def test_feeds_in_another_encoding_are_a_wrong_contract(connection: Connection, database: Settings) -> None:
    delivery = deliver(database, {"Goals.csv": GOALS})
    with pytest.raises(ConfigurationError, match="cp932"):
        load_delivery(connection, replace(EDREFLECT, encoding="cp932"), delivery)


def test_an_org_name_with_commas_and_quotes_stays_one_value(connection: Connection, database: Settings) -> None:
    delivery = deliver(database, {"Goals.csv": GOALS})
    odd = 'a,"b" %s'
    named = replace(delivery, org_id=odd, files=tuple(replace(file, org_id=odd) for file in delivery.files))
    load_delivery(connection, EDREFLECT, named)
    assert rows(connection, "select distinct org_id from raw_edreflect.goals") == [(odd,)]
