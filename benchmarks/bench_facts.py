"""Facts: does a day cost what the day holds, however many came before it?

``python benchmarks/bench_facts.py [--quick]`` prints a table; ``run(quick)`` returns its rows. Ours is from landed files to
published views: ``load_delivery``, then ``build`` with all that dbt takes, but for reading the project, which an earlier
build of the same process has done. The full refresh is the build that makes everything of the feed from its raw log for
the first time: what a build does after a change of logic, without the emptying of what was there.

The smaller base has the same people and the same days' sizes, but a tenth of the days: each person whom a day touches has
a tenth of the sessions behind them, which is harder on the ratio than a tenth of the people would be.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from pathlib import Path

from bench_load import Measurement, print_lines
from bench_views import FULL, QUICK, views
from facts_base import FEED, FEEDS, PROGRESS, Base, kept_base, landed, new_base, write_day, write_files
from facts_rows import KINDS, ROWS, FactSize, selected, uid
from roster_files import write_delta, write_moves

from edreflect_assets.contracts import DBT_PROJECT_DIR
from edreflect_assets.loading.load import load_delivery

# The marts that are made of changes: the models in the folder of facts.
STORED = tuple(
    path.stem.removeprefix("marts__") for path in (DBT_PROJECT_DIR / "models/marts/timeback/facts").glob("*.sql")
)
# What a roster may write to among the marts: who is where, and as what.
_OF_PEOPLE = ("marts.person_orgs", "marts.person_roles", "marts.school_students")
# Days beyond those that are measured, for what else happens. Rosters change within the base: nobody is at a school from
# tomorrow on.
_LATE, _CONFIG = 200, 201


@dataclass(frozen=True)
class Taken:
    """What one delivery took, in seconds: loading and building; ``models`` is the longest of dbt's nodes, by name."""

    load: float
    build: float
    nodes: int
    models: dict[str, float]

    @property
    def whole(self) -> float:
        """From the landed files to the published views."""
        return self.load + self.build


def take_in(base: Base, files: dict[str, Path], number: int, feed: str = FEED.name) -> Taken:
    """Load files as the delivery of a day, and build."""
    delivery = landed(base, files, base.size.day(number), feed)
    base.run("checkpoint")
    began = time.perf_counter()
    load_delivery(base.connection, FEEDS[feed], delivery)
    loaded = time.perf_counter()
    report = base.build()
    built = time.perf_counter()
    return Taken(loaded - began, built - loaded, len(report.models), dict(report.models))


def days(bases: list[Base], number: int) -> list[list[Taken]]:
    """Take in days on each base, in turns; a first day pays for cold caches and is not counted."""
    taken: list[list[Taken]] = [[] for _ in bases]
    for turn in range(number + 1):
        for place in sorted(range(len(bases)), reverse=bool(turn % 2)):
            base = bases[place]
            day = base.size.days + turn
            one = take_in(base, write_day(base, day), day)
            PROGRESS.say(f"day {turn} on {base.size.rows('caliper_attempt'):,} attempts: {_shares(one)}")
            if turn:
                taken[place].append(one)
    return taken


def median_of(taken: list[Taken]) -> Taken:
    """Return the day whose whole is the median (of an even number, the faster of the two in the middle)."""
    return sorted(taken, key=lambda one: one.whole)[(len(taken) - 1) // 2]


def late_rows(base: Base, rows: int) -> Taken:
    """Attempts that were made long ago come late: earlier than all others at their resource; and reviews of old insights."""
    columns = dict(ROWS["caliper_attempt"])
    columns |= {
        "id": uid("late", "n"),
        "count": "null::integer",
        "started_at_time": f"({columns['started_at_time']}) - interval '300 days'",
        "ended_at_time": "null::timestamptz",
    }
    reviews = dict(ROWS["insights_review"]) | {"id": uid("late review", "n")}
    spread = base.size.rows("caliper_attempt") // rows
    files = write_files(
        base,
        "late",
        {
            "caliper_attempt": selected(base.size, columns, _spread(rows, spread // 10 * 10)),
            "insights_review": selected(base.size, reviews, _spread(rows, base.size.rows("insights_review") // rows)),
        },
    )
    return take_in(base, files, base.size.days + _LATE)


def _spread(rows: int, step: int) -> str:
    return f"select n::integer * {max(step, 1)} as n from generate_series(0, {rows - 1}) as n"


def other_config(base: Base) -> tuple[Taken, int]:
    """One kind of insight comes to need a review: all its insights are judged again; return how many sessions have them."""
    columns = {"insight_type_id": uid("kind", "n"), "requires_review": "true"}
    files = write_files(base, "config", {"insights_config": selected(base.size, columns, "select 1 as n")})
    return take_in(base, files, base.size.days + _CONFIG), base.size.rows("insights_insight") // KINDS


def roster_day(base: Base, changes: int) -> tuple[Taken, dict[str, int]]:
    """A day on which students move to other schools; return also what was written to each stored mart and table of facts."""
    folder, size, last = base.settings.home, base.size.district, base.size.days - 1
    warm = write_delta(folder / "roster-warm", size, base.size.day(last - 1), 1, changes)
    take_in(base, warm, last - 1, "oneroster")
    moves = write_moves(folder / "roster", size, base.size.day(last), changes)
    before = _written(base)
    taken = take_in(base, moves, last, "oneroster")
    after = _written(base)
    return taken, {table: after[table] - before[table] for table in after}


def _written(base: Base) -> dict[str, int]:
    """Return how many rows were ever written to each table of the feed and of its marts, and to the scope's."""
    # a session tells its counters at the latest when it ends; dbt's have
    rows = base.run(
        "select pg_stat_clear_snapshot()",
        "select schemaname || '.' || relname, n_tup_ins + n_tup_upd + n_tup_del from pg_stat_user_tables"
        " where schemaname in ('timeback', 'marts')",
    )
    return {str(table): int(str(number)) for table, number in rows}


def plain_selects(base: Base) -> tuple[float, dict[str, float]]:
    """Make a plain table of every view's final select, one after the other; the seconds of all, and of each."""
    taken = {}
    for view in views():
        base.run("drop schema if exists plain cascade", "create schema plain")
        began = time.perf_counter()
        base.run(f"create table plain.{view} as select * from marts.{view}")
        taken[view] = time.perf_counter() - began
    base.run("drop schema plain cascade")
    return sum(taken.values()), taken


def run(*, quick: bool = False) -> list[Measurement]:
    """Measure everything; ``quick`` uses small sizes."""
    size = QUICK if quick else FULL
    smaller = FactSize(size.people, size.sessions, size.days // 10)
    large = kept_base(size)
    with new_base(smaller) as small:
        on_large, on_small = (median_of(taken) for taken in days([large, small], 1 if quick else 3))
        lines = _days_lines(large, small, on_large, on_small)
    plain, each = plain_selects(large)
    slowest = sorted(each, key=lambda view: -each[view])[:3]
    PROGRESS.say(f"plain tables of {len(each)} views")
    changes = 100 if quick else 1000
    late = late_rows(large, changes)
    PROGRESS.say(f"late rows: {_shares(late)}")
    config, judged = other_config(large)
    PROGRESS.say(f"another configuration: {_shares(config)}")
    roster, written = roster_day(large, changes)
    PROGRESS.say(f"a roster day: {_shares(roster)}")
    rewritten = {table: number for table, number in written.items() if number and table not in _OF_PEOPLE}
    return [
        *lines,
        Measurement(
            "full refresh beside plain tables",
            large.first_build,
            plain,
            0.0,
            f"s; create table as of the same {len(each)} final selects, one after the other, from reconciled tables and"
            f" stored marts; {', '.join(f'{view} {each[view]:.1f}' for view in slowest)}",
        ),
        Measurement(
            f"{changes:,} late attempts, earlier than all others, and {changes:,} late reviews",
            late.whole,
            on_large.whole,
            0.0,
            f"s; a usual day; {_shares(late)}",
        ),
        Measurement(
            f"a kind of insight comes to need a review: {judged:,} insights judged again",
            config.whole,
            large.first_build,
            0.0,
            f"s; the full refresh; {_shares(config)}",
        ),
        Measurement(
            f"{changes:,} students move to another school: rows of facts written",
            float(sum(rewritten.values())),
            1.0,
            0.5,
            f"rows (one would be too many); {', '.join(f'{table} {number}' for table, number in rewritten.items()) or 'none'};"
            f" {sum(written.get(table, 0) for table in _OF_PEOPLE)} rows of who is where, and as what; {roster.whole:.1f} s",
        ),
    ]


def _days_lines(large: Base, small: Base, on_large: Taken, on_small: Taken) -> list[Measurement]:
    attempts, before = large.size.rows("caliper_attempt"), small.size.rows("caliper_attempt")
    records = sum(large.size.range_of(table, 0, 1)[1] for table in ROWS)
    day = f"a day of {attempts // large.size.days:,} attempts, {records:,} records in all"
    base = f"on {attempts:,} attempts of {large.size.district.students:,} students"
    return [
        Measurement(
            f"{day}, load and build, {base}",
            on_large.whole,
            on_small.whole,
            1.5,
            f"s; on {before:,} attempts of as many students; {_shares(on_large)}; there {_shares(on_small)}",
        ),
        Measurement(
            f"{day}, the models of the feed alone",
            _facts_only(on_large),
            _facts_only(on_small),
            0.0,
            f"s; on {before:,} attempts; sums over models, of which four run at a time",
        ),
        Measurement(
            f"{day}, beside the full refresh",
            on_large.whole,
            large.first_build,
            1 / 30,
            f"s; the build that makes all tables and marts of the feed; {large.first_build / on_large.whole:.0f} times as long",
        ),
    ]


def _facts_only(taken: Taken) -> float:
    stored = ("timeback__", *(f"marts__{name}" for name in STORED))
    return sum(seconds for model, seconds in taken.models.items() if model.startswith(stored))


def _shares(taken: Taken) -> str:
    longest = sorted(taken.models, key=lambda model: -taken.models[model])[:3]
    named = ", ".join(f"{model} {taken.models[model]:.1f}" for model in longest)
    return f"load {taken.load:.1f}, build {taken.build:.1f} ({taken.nodes} models, longest: {named})"


def main() -> None:
    """Print the measurements as a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small sizes")
    print_lines(run(quick=parser.parse_args().quick))


if __name__ == "__main__":
    main()
