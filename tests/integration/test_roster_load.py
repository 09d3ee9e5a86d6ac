"""A roster package becomes raw rows, quarantine, ledger and report together, or leaves everything as it was."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from landed_deliveries import rows
from psycopg2.extensions import connection as Connection  # noqa: N812
from roster_packages import DAY, FILES, NEXT_DAY, ORG, ROSTER, deliver, manifest, org, package

from edreflect_assets.errors import Refused
from edreflect_assets.ingest import ingest, load_again
from edreflect_assets.loading.report import DeliveryReport
from edreflect_assets.settings import Settings
from edreflect_assets.sources.folder import FolderSource

Load = Callable[..., DeliveryReport]


@pytest.fixture
def load(connection: Connection, database: Settings, tmp_path: Path) -> Load:
    """A function that delivers and loads a package."""

    def load(files: Mapping[str, bytes], *, day: date = DAY, org_id: str = ORG, again: bool = False) -> DeliveryReport:
        deliver(tmp_path / "exports", files, day=day, org_id=org_id)
        source = FolderSource(tmp_path / "exports")
        return ingest(connection, database, ROSTER, org(org_id), day, source, again=again)

    return load


def loads(connection: Connection, columns: str = "day, file, rows, quarantined, mode, status") -> list[tuple[Any, ...]]:
    return rows(connection, f"select {columns} from ops.load_log order by day, file, load_id")


def reports(connection: Connection) -> list[tuple[Any, ...]]:
    return rows(connection, "select day, verdict, errors, load_ids from ops.package_reports order by report_id")


def test_a_clean_package_is_loaded_as_a_whole(connection: Connection, load: Load) -> None:
    report = load(package())
    assert {file.file: (file.rows, file.quarantined, file.status) for file in report.files} == {
        name: (content.count("\n") - 1, 0, "loaded") for name, content in FILES.items()
    }
    assert {file: mode for _, file, _, _, mode, _ in loads(connection)} == {
        name: None if name == "manifest.csv" else "bulk" for name in FILES
    }
    assert rows(connection, "select sourced_id, given_name, org_sourced_ids from raw_oneroster.users order by 1") == [
        ("u1", "Edna", "s1"),
        ("u2", "Bart", "s1"),
        ("u3", "Lisa", "s1"),
    ]
    load_ids = sorted(file.load_id for file in report.files)
    assert reports(connection) == [(DAY, "accepted", 0, load_ids)]


def test_a_header_only_delta_and_a_header_only_bulk_file(connection: Connection, load: Load) -> None:
    header = FILES["users.csv"].split("\n", 1)[0] + "\n"
    delta_header = header.replace("sourcedId,", "sourcedId,status,dateLastModified,")
    load(package(users=delta_header, manifest=manifest(users="delta")))
    assert (DAY, "users.csv", 0, 0, "delta", "current") in loads(connection)
    with pytest.raises(Refused, match=r"2026-09-02 refused: users\.csv: .*OR042"):
        load(package(users=header), day=NEXT_DAY)
    assert rows(connection, "select distinct status from ops.load_log where day = %s", NEXT_DAY) == [("refused",)]


def test_a_delta_is_told_by_its_rows(connection: Connection, load: Load) -> None:
    changes = (
        "sourcedId,status,dateLastModified,classSourcedId,schoolSourcedId,userSourcedId,role,primary,beginDate,endDate\n"
        "e2,tobedeleted,2026-09-01T10:00:00Z,k1,s1,u2,student,,,\n"
    )
    report = load({"enrollments.csv": changes.encode()})
    assert [(file.file, file.mode) for file in report.files] == [("enrollments.csv", "delta")]
    with pytest.raises(Refused, match="OR041"):
        load(package(manifest=manifest(users="delta")), day=NEXT_DAY)


def test_a_manifest_alone_is_no_updates(connection: Connection, load: Load) -> None:
    load({"manifest.csv": manifest().replace("bulk", "absent").encode()})
    assert [verdict for _, verdict, *_ in reports(connection)] == ["no_updates"]
    assert loads(connection) == [(DAY, "manifest.csv", 8, 0, None, "current")]


BROKEN_ENROLLMENTS = FILES["enrollments.csv"] + (
    'e4,k1,s1,u1,headmaster,,,\ne5,k1,s1\n"e6",k1,s1,u"1,student,,,\n,k1,s1,u3,student,,,\ne8,k1,s1,u3,student,,,\n'
)


def test_records_that_break_a_rule_are_set_aside_with_code_and_key(connection: Connection, load: Load) -> None:
    (file,) = [file for file in load(package(enrollments=BROKEN_ENROLLMENTS)).files if file.file == "enrollments.csv"]
    assert (file.rows, file.quarantined) == (4, 4)
    assert rows(
        connection,
        "select line, code, record_key, column_name, raw_line from ops.quarantine where load_id = %s order by line",
        file.load_id,
    ) == [
        (5, "OR307", "e4", "role", "e4,k1,s1,u1,headmaster,,,"),
        (6, "OR200", "e5", None, "e5,k1,s1"),
        (7, "OR201", "e6", None, '"e6",k1,s1,u"1,student,,,'),
        (8, "OR300", None, "sourcedId", ",k1,s1,u3,student,,,"),
    ]
    assert rows(
        connection, "select sourced_id, _row, _line from raw_oneroster.enrollments where _load_id = %s", file.load_id
    ) == [("e1", 1, 2), ("e2", 2, 3), ("e3", 3, 4), ("e8", 8, 9)]
    assert any("OR307" in warning for warning in file.warnings)


def test_many_rejected_records_refuse_nothing(connection: Connection, load: Load) -> None:
    bad = "".join(f"b{number},k1,s1,u1,headmaster,,,\n" for number in range(9000))
    (file,) = [file for file in load(package(enrollments=FILES["enrollments.csv"] + bad)).files if file.file[0] == "e"]
    assert (file.rows, file.quarantined) == (3, 9000)
    last = rows(connection, "select line, record_key from ops.quarantine order by line desc limit 1")
    assert last == [(9004, "b8999")]


def test_a_refusal_changes_nothing_and_keeps_its_report(connection: Connection, load: Load) -> None:
    load(package())
    before = loads(connection)
    broken = package(users="sourcedId,givenName,familyName\nu1,Edna,K\n", orgs="sourcedId,name\ns1,Elementary\n")
    with pytest.raises(Refused) as caught:
        load(broken)
    assert "OR103" in str(caught.value)
    assert "; 1 more, `edreflect report` writes them all" in str(caught.value)
    refused = [row for row in loads(connection) if row[5] == "refused"]
    assert [row for row in loads(connection) if row not in refused] == before
    assert len(refused) == 1
    (stored,) = rows(connection, "select report, load_ids from ops.package_reports where verdict = 'refused'")
    assert {finding["file"] for finding in stored[0]["findings"] if finding["severity"] == "package"} == {
        "users.csv",
        "orgs.csv",
    }
    assert stored[1] == []
    assert "Edna" not in json.dumps(stored[0])
    with pytest.raises(Refused):
        load(broken)
    assert len(reports(connection)) == 2
    load(package())
    assert rows(connection, "select count(*) from ops.load_log where status = 'refused' and resolved_at is null") == [
        (0,)
    ]


def test_the_same_bytes_on_another_day_share_rows_and_report(
    connection: Connection, load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = load(package(enrollments=BROKEN_ENROLLMENTS))
    monkeypatch.setattr("edreflect_assets.loading.packages.validate", None)
    second = load(package(enrollments=BROKEN_ENROLLMENTS), day=NEXT_DAY)
    third = load(package(enrollments=BROKEN_ENROLLMENTS), day=date(2026, 9, 3))
    by_file = {file.file: file.load_id for file in first.files}
    for later in (second, third):
        for file in later.files:
            assert file.status == "loaded"
            found = rows(
                connection,
                "select rows_load_id, rows, quarantined, mode is not distinct from %s from ops.load_log"
                " where load_id = %s",
                file.mode,
                file.load_id,
            )
            assert found == [(by_file[file.file], file.rows, file.quarantined, True)]
    for table in ROSTER.tables:
        held = rows(connection, f"select distinct _load_id from raw_oneroster.{table}")
        assert {load_id for (load_id,) in held} <= set(by_file.values())
    aside = "select line, code, record_key, reason, raw_line, column_name from ops.quarantine where load_id = %s"
    ids = [{file.file: file.load_id for file in report.files}["enrollments.csv"] for report in (first, third)]
    assert sorted(rows(connection, aside, ids[0]), key=str) == sorted(rows(connection, aside, ids[1]), key=str)
    assert [verdict for _, verdict, *_ in reports(connection)] == ["accepted"] * 3


def test_only_files_that_changed_are_copied(connection: Connection, load: Load) -> None:
    load(package())
    load(package(orgs=FILES["orgs.csv"] + "s2,High,school,4712,d1\n"), day=NEXT_DAY)
    shared = rows(connection, "select file, rows_load_id is not null from ops.load_log where day = %s", NEXT_DAY)
    assert {file for file, is_shared in shared if not is_shared} == {"orgs.csv"}


def test_rows_are_not_shared_where_other_files_make_other_records_wrong(connection: Connection, load: Load) -> None:
    users = FILES["users.csv"].replace("u2,true,s1,student", "u2,true,,")
    load(package(users=users))
    roles = (
        "sourcedId,userSourcedId,roleType,role,beginDate,endDate,orgSourcedId\n"
        "r1,u1,primary,teacher,,,s1\nr2,u2,primary,student,,,s1\nr3,u3,primary,student,,,s1\n"
    )
    version = manifest().replace("oneroster.version,1.1", "oneroster.version,1.2") + "file.roles,bulk\n"
    load(package(users=users, roles=roles, manifest=version), day=NEXT_DAY)
    figures = rows(
        connection, "select day, rows, quarantined, rows_load_id from ops.load_log where file = 'users.csv' order by 1"
    )
    assert figures == [(DAY, 2, 1, None), (NEXT_DAY, 3, 0, None)]
    load(package(users=users), day=date(2026, 9, 3))
    (last,) = rows(
        connection,
        "select rows, quarantined, rows_load_id from ops.load_log where file = 'users.csv' and day = '2026-09-03'",
    )
    (first,) = rows(connection, "select load_id from ops.load_log where file = 'users.csv' and day = %s", DAY)
    assert last == (2, 1, *first)


def test_a_file_is_loaded_anew_where_a_corrected_one_beside_it_makes_its_records_right(
    connection: Connection, load: Load
) -> None:
    users = FILES["users.csv"].replace("u2,true,s1,student", "u2,true,,")
    roles = (
        "sourcedId,userSourcedId,roleType,role,beginDate,endDate,orgSourcedId\n"
        "r1,u1,primary,teacher,,,s1\nr2,u2,primary,student,,,s1\nr3,u3,primary,student,,,s1\n"
    )
    load(package(users=users))
    version = manifest().replace("oneroster.version,1.1", "oneroster.version,1.2") + "file.roles,bulk\n"
    report = load(package(users=users, roles=roles, manifest=version))
    assert {file.file for file in report.files if file.status == "loaded"} == {"manifest.csv", "roles.csv", "users.csv"}
    figures = "select status, rows, quarantined from ops.load_log where file = 'users.csv' order by load_id"
    assert rows(connection, figures) == [("superseded", 2, 1), ("current", 3, 0)]


def test_orgs_share_nothing(connection: Connection, load: Load) -> None:
    load(package())
    load(package(), org_id="shelbyville")
    assert rows(connection, "select count(*) from ops.load_log where rows_load_id is not null") == [(0,)]


def test_a_delivery_again_supersedes_file_by_file(connection: Connection, load: Load) -> None:
    load(package())
    report = load(package(orgs=FILES["orgs.csv"] + "s2,High,school,4712,d1\n"))
    assert {file.file for file in report.files if file.status == "loaded"} == {"orgs.csv"}
    assert [(status, count) for *_, count, _, _, status in loads(connection) if status == "superseded"] == [
        ("superseded", 2)
    ]
    (latest,) = rows(connection, "select load_ids from ops.package_reports order by report_id desc limit 1")
    current = rows(connection, "select load_id from ops.load_log where status = 'current' order by 1")
    assert latest[0] == [load_id for (load_id,) in current]


def test_loaded_again_it_has_rows_of_its_own(connection: Connection, database: Settings, load: Load) -> None:
    load(package())
    load(package(), day=NEXT_DAY)
    again = load_again(connection, database, ROSTER, org(), NEXT_DAY)
    assert {file.status for file in again.files} == {"loaded"}
    assert rows(
        connection,
        "select count(*) from ops.load_log where day = %s and status = 'current' and rows_load_id is null",
        NEXT_DAY,
    ) == [(len(FILES),)]


def test_what_stops_halfway_leaves_nothing(connection: Connection, load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object) -> None:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr("edreflect_assets.loading.packages.PackageReport.write", stop)
        with pytest.raises(MemoryError):
            load(package(enrollments=BROKEN_ENROLLMENTS))
    assert loads(connection) == reports(connection) == []
    assert rows(connection, "select count(*) from ops.quarantine") == [(0,)]
    load(package(enrollments=BROKEN_ENROLLMENTS))
    assert [verdict for _, verdict, *_ in reports(connection)] == ["accepted"]


def test_files_that_nobody_knows_refuse_a_package_without_any_other(connection: Connection, load: Load) -> None:
    with pytest.raises(Refused, match="OR001"):
        load({"Student.csv": b"SIS ID,School SIS ID,Username\n1,2,3\n", "School.csv": b"SIS ID,Name\n2,x\n"})
    assert reports(connection) == [(DAY, "refused", 1, [])]
