"""A local folder as a source: the same rules as over SFTP."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from deliveries import DAY, FILES, ORG, day_folder, deliver, feed, landed_files, set_mtime

from edreflect_assets.errors import FetchError
from edreflect_assets.landing import Landing
from edreflect_assets.orgs import Org, default_org_uuid
from edreflect_assets.sources import delivery_folder, fetching
from edreflect_assets.sources.delivery_folder import seconds_to_wait
from edreflect_assets.sources.folder import FolderSource
from edreflect_assets.sources.places import Look


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "exports").mkdir()
    return tmp_path / "exports"


@pytest.fixture
def landing(tmp_path: Path) -> Landing:
    return Landing(tmp_path / "landing")


def test_a_delivery_lands_byte_for_byte(root: Path, landing: Landing) -> None:
    deliver(root)
    with FolderSource(root) as source:
        delivery = source.fetch(feed(), ORG, DAY, landing)
    assert {landed.file: landed.path.read_bytes() for landed in delivery.files} == FILES
    assert landing.last_delivery("edreflect", ORG, DAY) == delivery


def test_days_and_orgs_are_found_and_other_folders_ignored(root: Path) -> None:
    for day in (date(2026, 1, 7), DAY, None):
        deliver(root, day=day)
    deliver(root, org_id="shelbyville")
    for name in ("2026-13-01", "2026-1-5", "old", "\uff12\uff10\uff12\uff16-01-06", "2026-01-06.tmp"):
        (root / ORG / "export" / name).mkdir()
    (root / ORG / "export" / "2026-01-08").write_text("a file is no day")
    (root / "readme.txt").write_text("no org")
    (root / "not an org").mkdir()
    source = FolderSource(root)
    assert source.orgs() == ["shelbyville", ORG]
    assert source.days(feed(), ORG) == [DAY, date(2026, 1, 7), None]
    assert source.days(feed(), "shelbyville") == [DAY]
    assert source.days(feed(), "nowhere") == []


def test_files_are_known_whatever_their_case(root: Path, landing: Landing) -> None:
    deliver(root, {"OBSERVATIONS.CSV": b"x", "extra.TXT": b"y"})
    delivery = FolderSource(root).fetch(feed(), ORG, DAY, landing)
    assert [landed.file for landed in delivery.files] == ["Observations.csv", "extra.TXT"]


def test_two_spellings_of_one_file_both_reach_the_loader(root: Path, landing: Landing) -> None:
    deliver(root, {"Goals.csv": b"x", "goals.csv": b"y"})
    delivery = FolderSource(root).fetch(feed(), ORG, DAY, landing)
    assert [landed.file for landed in delivery.files] == ["Goals.csv", "goals.csv"]


def test_links_folders_hidden_files_and_pipes_are_left_alone(root: Path, landing: Landing, tmp_path: Path) -> None:
    folder = deliver(root)
    secret = tmp_path / "secret"
    secret.write_text("not delivered")
    (folder / "Ratings.csv").symlink_to(secret)
    (folder / "sub").mkdir()
    (folder / ".filepart").write_text("uploading")
    os.mkfifo(folder / "Slos.csv")
    delivery = FolderSource(root).fetch(feed(), ORG, DAY, landing)
    assert [landed.file for landed in delivery.files] == sorted(FILES)


def test_a_folder_that_links_out_of_the_source_does_not_exist(root: Path, landing: Landing, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "passwd").write_text("root")
    (root / ORG / "export").mkdir(parents=True)
    (root / ORG / "export" / DAY.isoformat()).symlink_to(outside)
    with pytest.raises(FetchError, match="there is no folder"):
        FolderSource(root).fetch(feed(), ORG, DAY, landing)
    assert not landing.root.exists()


def test_a_large_file_nobody_asked_for_is_named_only(
    root: Path, landing: Landing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "UNLISTED_MAX_BYTES", 10)
    deliver(root, {"Goals.csv": b"x" * 11, "dump.bin": b"x" * 11, "small.bin": b"x" * 10})
    delivery = FolderSource(root).fetch(feed(), ORG, DAY, landing)
    assert [landed.file for landed in delivery.files] == ["Goals.csv", "small.bin"]
    assert [(left_out.file, left_out.bytes) for left_out in delivery.left_out] == [("dump.bin", 11)]


def test_an_empty_folder_is_an_empty_delivery(root: Path, landing: Landing) -> None:
    day_folder(root)
    assert FolderSource(root).fetch(feed(), ORG, DAY, landing).files == ()


def test_a_missing_day_and_a_missing_source_are_named(root: Path, landing: Landing) -> None:
    with pytest.raises(FetchError, match=f"{ORG}, 2026-01-05: there is no folder") as caught:
        FolderSource(root).fetch(feed(), ORG, DAY, landing)
    assert not caught.value.transient
    with pytest.raises(FetchError, match="nowhere"), FolderSource(root / "nowhere"):
        pass


def org(path: str, timezone: str = "America/Chicago") -> Org:
    return Org(ORG, default_org_uuid(ORG, ORG), ORG, paths={"edreflect": path}, timezone=ZoneInfo(timezone))


def test_a_folder_that_is_overwritten_daily_has_its_newest_files_day(root: Path, landing: Landing) -> None:
    folder = root / ORG / "current"
    folder.mkdir(parents=True)
    for name in ("Goals.csv", "Ratings.csv"):
        (folder / name).write_bytes(b"x")
        set_mtime(folder / name, datetime(2026, 1, 4, 12, tzinfo=UTC))
    # 6 January in UTC, still the 5th in Chicago.
    set_mtime(folder / "Goals.csv", datetime(2026, 1, 6, 3, tzinfo=UTC))
    source = FolderSource(root, registry={ORG: org("{org}/current/")})
    assert source.days(feed(), ORG) == [DAY]
    assert len(source.fetch(feed(), ORG, DAY, landing).files) == 2
    with pytest.raises(FetchError, match="now holds 2026-01-05"):
        source.fetch(feed(), ORG, date(2026, 1, 4), landing)


def test_templates_can_be_given_for_all_orgs(root: Path, landing: Landing) -> None:
    folder = root / "out" / f"{ORG}_2026-01-05" / "csv"
    folder.mkdir(parents=True)
    (folder / "Goals.csv").write_bytes(b"x")
    (root / "out" / "shelbyville_2026-01-06").mkdir()
    source = FolderSource(root, {"edreflect": "/out/{org}_{day}/csv/"})
    assert source.days(feed(), ORG) == [DAY]
    assert [landed.file for landed in source.fetch(feed(), ORG, DAY, landing).files] == ["Goals.csv"]


def test_a_folder_that_changes_between_two_looks_is_not_taken(
    root: Path, landing: Landing, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = deliver(root)
    monkeypatch.setattr(delivery_folder.time, "sleep", lambda _: (folder / "Ratings.csv").write_bytes(b"arriving"))
    with pytest.raises(FetchError, match="still being written") as caught:
        FolderSource(root).fetch(feed(), ORG, DAY, landing)
    assert caught.value.transient
    assert landed_files(tmp_path) == []


def test_only_folders_written_lately_are_waited_for() -> None:
    now = 10_000_000.0
    day = 86400
    assert seconds_to_wait({"a": Look(1, now - 3 * day)}, 10, now) == 0
    assert seconds_to_wait({"a": Look(1, now - 3 * day), "b": Look(1, now - day)}, 10, now) == 10
    assert seconds_to_wait({"a": Look(1, now + day)}, 10, now) == 10
    assert seconds_to_wait({"a": Look(1, None)}, 10, now) == 10
    assert seconds_to_wait({}, 10, now) == 10
