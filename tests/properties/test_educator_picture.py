"""Whatever came of legacy export, id maps, daily days and offboarding snapshots, in whatever order: one educator picture.

A history is one org (wild) or three orgs to which different products of the same history came (tidy); all share one
database. A failure names the org, whose number is the seed; to replay it alone:
``EDREFLECT_PICTURE_SEED=17 uv run pytest tests/properties/test_educator_picture.py``. ``EDREFLECT_PICTURES`` sets how many
wild histories there are (a quarter as many tidy ones), ``EDREFLECT_FIRST_PICTURE`` the first seed.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date
from random import Random

import pytest

from edreflect_assets.database import connect
from edreflect_assets.errors import Refused
from edreflect_assets.settings import Settings
from tests.model.database import fresh_database
from tests.model.picture import daily, platform
from tests.model.picture.log import Delivery, PictureLog, Row
from tests.model.picture.merged import Picture
from tests.model.picture.platform import by_org, counted, fetch
from tests.model.picture.snapshot import TABLES
from tests.model.picture.views import VIEWS
from tests.model.records import columns_of
from tests.model.rules import RULES
from tests.properties.educator_history import DAYS, REFRESH, other_maps, tidy_history, wild_history
from tests.properties.loaders import cut_into_parts

BUILDS = 3
LOADERS = 2
DEFAULT_HISTORIES = 24

# What only one source knows, or knows by another name: ids of groups were never mapped, a snapshot has no titles and does
# not say who is rated on which rubric, the year of a classification is newer than the refresh.
PROVENANCE = frozenset({"source", "as_of_day"})
NOT_SHARED = {
    "educators": {"title", "rubric_ids", "group_ids"},
    "educator_groups": {"group_id"},
    "end_of_year_classifications": {"school_year"},
}
OF_ONE_SOURCE = {"observation_templates", "assignments", "evidence", "person_conflicts"}


def seeds() -> list[int]:
    """Return the seeds of this run: one to replay, or as many as asked for."""
    if "EDREFLECT_PICTURE_SEED" in os.environ:
        return [int(os.environ["EDREFLECT_PICTURE_SEED"])]
    first = int(os.environ.get("EDREFLECT_FIRST_PICTURE", "1"))
    return list(range(first, first + int(os.environ.get("EDREFLECT_PICTURES", DEFAULT_HISTORIES))))


@dataclass
class Run:
    """Everything loaded and built, and what was found on the way."""

    settings: Settings
    histories: dict[str, list[Delivery]]
    tidy: list[str]
    log: PictureLog = field(default_factory=PictureLog)
    refusals: list[str] = field(default_factory=list)
    after_builds: list[list[str]] = field(default_factory=list)
    as_of: dict[date, list[str]] = field(default_factory=dict)
    disagreements: list[str] = field(default_factory=list)

    def load(self, deliveries: list[Delivery]) -> None:
        """Load in parallel; what one org delivers keeps to one loader and so to its order."""
        queues: list[list[Delivery]] = [[] for _ in range(LOADERS)]
        for delivery in deliveries:
            queues[zlib.crc32(delivery.org.encode()) % LOADERS].append(delivery)
            self.log.load(delivery)

        def load_queue(queue: list[Delivery]) -> list[str]:
            with closing(connect(self.settings)) as connection:
                outcomes = [platform.load(connection, self.settings, delivery) for delivery in queue]
            return [str(outcome) for outcome in outcomes if isinstance(outcome, Refused)]

        with ThreadPoolExecutor(LOADERS) as pool:
            for refusals in pool.map(load_queue, queues):
                self.refusals += refusals

    def differences(self) -> list[str]:
        """Return a sentence for each org and table or view whose rows are not the model's."""
        pictures = {org: Picture(self.log, org) for org in self.histories}
        sentences = []
        with closing(connect(self.settings)) as connection:
            for table in TABLES:
                stored = fetch(connection, f"select * from edreflect.{table}")
                for row in stored:
                    row["_unmapped"] = row["_unmapped"] and sorted(row["_unmapped"])
                found = by_org(stored)
                for org in self.histories:
                    words = daily.rows_of(daily.spoken(self.log, org, table))
                    expected = [
                        row | {"_day": word.day, "_source": word.source, "_unmapped": unmapped}
                        for row, word, unmapped in words
                    ]
                    sentences += _compare(f"{org}, edreflect.{table}", found.get(org, []), expected)
            for view, shown in VIEWS.items():
                found = by_org(fetch(connection, f"select * from marts.{view}"))
                for org, picture in pictures.items():
                    sentences += _compare(f"{org}, {view}", found.get(org, []), list(shown(picture)))
        return sentences

    def differences_as_of(self, day: date) -> list[str]:
        sentences = []
        with closing(connect(self.settings)) as connection:
            for table in TABLES:
                columns = ", ".join(columns_of(next(rule for rule in RULES.values() if rule.table == table)))
                found = by_org(fetch(connection, f"select org_id, {columns} from edreflect.{table}_as_of(%s)", day))
                for org in self.histories:
                    words = daily.rows_of(daily.spoken(self.log, org, table, day))
                    sentences += _compare(f"{org}, {table} as of {day}", found.get(org, []), [row for row, *_ in words])
        return sentences

    def differences_between_products(self) -> list[str]:
        """Return a sentence for each view in which orgs differ to which different products of one history came."""
        sentences = []
        with closing(connect(self.settings)) as connection:
            for view in VIEWS.keys() - OF_ONE_SOURCE:
                found = by_org(fetch(connection, f"select * from marts.{view}"))
                without = PROVENANCE | NOT_SHARED.get(view, set())
                for name in self.tidy:
                    for other in ("both", "snapshot"):
                        both = (_numbered(view, found.get(f"{name}-{each}", [])) for each in (other, "days"))
                        sentences += _compare(f"{name}-{other}, {view} against -days", *both, without)
        return sentences


def _none(sentences: list[str]) -> None:
    assert not sentences, "\n".join(sentences)


def _numbered(view: str, rows: list[Row]) -> list[Row]:
    """Leave out the memberships of people without a number: a snapshot has them by account only."""
    return [row for row in rows if view != "educator_groups" or row["employee_id"] is not None]


def _compare(what: str, found: list[Row], expected: list[Row], without: frozenset[str] = frozenset()) -> list[str]:
    one, other = counted(found, without), counted(expected, without)
    if one == other:
        return []
    missing, unexpected = (sorted((a - b).elements(), key=repr)[:2] for a, b in ((other, one), (one, other)))
    return [f"{what}: missing {missing}, unexpected {unexpected}"]


@pytest.fixture(scope="module")
def run(postgres_server: Settings, template_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """Every history, cut at random places into as many parts as there are builds; at last some id maps change."""
    home = tmp_path_factory.mktemp("pictures")
    histories = {f"wild-{seed}": wild_history(Random(seed), f"wild-{seed}") for seed in seeds()}
    tidy = [f"tidy-{seed}" for seed in seeds() if seed % 4 == 1 or len(seeds()) == 1]
    for name in tidy:
        histories |= tidy_history(Random(name), name)
    parts = cut_into_parts(histories.items(), BUILDS)
    with fresh_database(postgres_server, template_database, home) as settings:
        made = Run(settings, histories, tidy)
        for number, part in enumerate(parts):
            made.load(part)
            platform.apply_pending(settings, platform.STORED if number else platform.EVERYTHING)
            made.after_builds.append(made.differences())
        made.as_of = {day: made.differences_as_of(day) for day in (REFRESH, *DAYS)}
        made.disagreements = made.differences_between_products()
        changed = [other_maps(Random(org), deliveries) for org, deliveries in histories.items()]
        made.load([delivery for delivery in changed if delivery])
        platform.apply_pending(settings)
        made.after_builds.append(made.differences())
        yield made


@pytest.mark.parametrize("number", range(BUILDS))
def test_every_table_and_view_shows_the_newest_word_of_each_thing_after_every_build(run: Run, number: int) -> None:
    assert run.refusals == []
    _none(run.after_builds[number])


def test_an_id_map_that_changes_gives_the_legacy_rows_other_ids(run: Run) -> None:
    _none(run.after_builds[BUILDS])


@pytest.mark.parametrize("day", [REFRESH, *DAYS], ids=str)
def test_as_of_every_day_counts_legacy_loads(run: Run, day: date) -> None:
    _none(run.as_of[day])


def test_the_views_are_the_same_whichever_products_of_a_history_came(run: Run) -> None:
    _none(run.disagreements)
