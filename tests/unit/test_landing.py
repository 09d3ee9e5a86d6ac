"""The landing area: bytes as delivered, whole or not at all, private, and never outside of it."""

from __future__ import annotations

import hashlib
import io
import os
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edreflect_assets.errors import FetchError, UsageError
from edreflect_assets.landing import Delivery, LandedFile, Landing, printable_name, unsafe_name

DAY = date(2026, 1, 5)


def land(landing: Landing, content: bytes, file: str = "Goals.csv", day: date | None = DAY) -> LandedFile:
    return landing.store("edreflect", "springfield", day, file, io.BytesIO(content))


def files_below(root: Path) -> list[Path]:
    return sorted(path.relative_to(root) for path in root.rglob("*") if path.is_file())


@given(st.binary(max_size=2000))
def test_what_lands_is_what_was_delivered(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    landing = Landing(tmp_path_factory.mktemp("home") / "landing")
    landed = land(landing, content)
    assert landed.path.read_bytes() == content
    assert landed.sha256 == hashlib.sha256(content).hexdigest()
    assert landed.bytes == len(content)
    assert landed.path == landing.root / "edreflect" / "springfield" / "2026-01-05" / "Goals.csv" / landed.sha256


def test_files_without_a_day_have_a_folder_of_their_own(tmp_path: Path) -> None:
    landed = land(Landing(tmp_path), b"x", "goal_ids.csv", None)
    assert landed.path.relative_to(tmp_path).parts[:4] == ("edreflect", "springfield", "all", "goal_ids.csv")


def test_everything_is_the_owners_alone(tmp_path: Path) -> None:
    (tmp_path / "landing").mkdir(mode=0o755)
    landing = Landing(tmp_path / "landing")
    landed = land(landing, b"x")
    landing.record(Delivery("edreflect", "springfield", DAY, (landed,)))
    for path in [landing.root, *landing.root.rglob("*")]:
        assert path.stat().st_mode & 0o077 == 0, path
    assert landed.path.stat().st_mode & 0o777 == 0o400


def test_the_same_bytes_land_once_and_other_bytes_beside_them(tmp_path: Path) -> None:
    landing = Landing(tmp_path)
    first, second, third = land(landing, b"one"), land(landing, b"one"), land(landing, b"two")
    assert first == second != third
    assert first.path.read_bytes() == b"one"
    assert len(files_below(tmp_path)) == 2


class Breaking(io.BytesIO):
    def read(self, size: int | None = -1, /) -> bytes:
        chunk = super().read(1)
        if not chunk:
            raise ConnectionError
        return chunk


def test_a_stream_that_breaks_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ConnectionError):
        Landing(tmp_path).store("edreflect", "springfield", DAY, "Goals.csv", Breaking(b"half a file"))
    assert files_below(tmp_path) == []


def test_a_refusal_before_the_commit_leaves_nothing(tmp_path: Path) -> None:
    def refuse(size: int) -> None:
        assert size == 3
        raise FetchError("changed", transient=True)

    with pytest.raises(FetchError, match="changed"):
        Landing(tmp_path).store("edreflect", "springfield", DAY, "Goals.csv", io.BytesIO(b"one"), before_commit=refuse)
    assert files_below(tmp_path) == []


def test_many_at_once_end_well(tmp_path: Path) -> None:
    landing = Landing(tmp_path)
    content = os.urandom(600_000)
    with ThreadPoolExecutor(8) as pool:
        landed = list(pool.map(lambda _: land(landing, content), range(16)))
        list(pool.map(lambda _: landing.record(Delivery("edreflect", "springfield", DAY, (landed[0],))), range(16)))
    assert len(set(landed)) == 1
    assert landing.last_delivery("edreflect", "springfield", DAY).files == (landed[0],)
    assert not list(tmp_path.rglob("*.part"))


def test_a_download_that_was_killed_long_ago_is_removed(tmp_path: Path) -> None:
    landing = Landing(tmp_path)
    folder = land(landing, b"one").path.parent
    old, fresh = folder / ".0123.part", folder / ".4567.part"
    old.write_bytes(b"ha")
    fresh.write_bytes(b"ha")
    os.utime(old, (time.time() - 2 * 86400,) * 2)
    land(landing, b"two")
    assert not old.exists()
    assert fresh.exists()


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "../x",
        "../../x",
        "/etc/passwd",
        "a/b",
        "a\\b",
        "a\0b",
        "a\nb",
        "a\x1bb",
        "\u202ecsv",
        "é" * 128,
        "\udcff.csv",
        ".hidden",
    ],
)
def test_an_unsafe_name_never_becomes_a_path(tmp_path: Path, name: str) -> None:
    landing = Landing(tmp_path / "landing")
    with pytest.raises(FetchError, match="is not taken"):
        land(landing, b"x", name)
    for feed, org_id in (("edreflect", name), (name, "springfield")):
        with pytest.raises(FetchError, match="is not taken"):
            landing.store(feed, org_id, DAY, "Goals.csv", io.BytesIO(b"x"))
    assert files_below(tmp_path) == []


@given(st.text(st.characters(), max_size=300))
def test_a_safe_name_is_one_part_of_a_path_and_any_name_can_be_printed(name: str) -> None:
    shown = printable_name(name)
    assert shown.isascii()
    assert shown.isprintable()
    assert len(shown) <= 80
    if unsafe_name(name) is None:
        joined = Path("/landing") / name
        assert joined.parent == Path("/landing")
        assert os.path.normpath(joined) == str(joined)


def test_the_last_delivery_is_the_last_bytes_of_each_file(tmp_path: Path) -> None:
    landing = Landing(tmp_path)
    goals, ratings = land(landing, b"goals 1"), land(landing, b"ratings 1", "Ratings.csv")
    landing.record(Delivery("edreflect", "springfield", DAY, (goals, ratings)))
    corrected = land(landing, b"goals 2")
    land(landing, b"ratings of a delivery that was never completed", "Ratings.csv")
    landing.record(Delivery("edreflect", "springfield", DAY, (corrected,)))
    assert landing.last_delivery("edreflect", "springfield", DAY).files == (corrected, ratings)
    landing.record(Delivery("edreflect", "springfield", DAY, (goals,)))
    assert landing.last_delivery("edreflect", "springfield", DAY).files == (goals, ratings)


def test_another_spelling_of_a_file_takes_its_place(tmp_path: Path) -> None:
    landing = Landing(tmp_path)
    landing.record(Delivery("edreflect", "springfield", DAY, (land(landing, b"1", "notes.txt"),)))
    landing.record(Delivery("edreflect", "springfield", DAY, (land(landing, b"2", "Notes.txt"),)))
    assert [file.file for file in landing.last_delivery("edreflect", "springfield", DAY).files] == ["Notes.txt"]


def test_nothing_landed_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="springfield, 2026-01-05"):
        Landing(tmp_path).last_delivery("edreflect", "springfield", DAY)


def test_altered_or_missing_bytes_are_never_loaded_again(tmp_path: Path) -> None:
    landing = Landing(tmp_path)
    landed = land(landing, b"one")
    landing.record(Delivery("edreflect", "springfield", DAY, (landed,)))
    landed.path.chmod(0o600)
    landed.path.write_bytes(b"two")
    with pytest.raises(FetchError, match="no longer match"):
        landing.last_delivery("edreflect", "springfield", DAY)
    landed.path.unlink()
    with pytest.raises(FetchError, match="are gone"):
        landing.last_delivery("edreflect", "springfield", DAY)


def test_a_disk_that_takes_nothing_is_named(tmp_path: Path) -> None:
    (tmp_path / "landing").write_text("in the way")
    with pytest.raises(FetchError, match="landing area") as caught:
        land(Landing(tmp_path / "landing"), b"x")
    assert caught.value.transient
