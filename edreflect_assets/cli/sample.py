"""``edreflect sample``: generated exports in a folder."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import click

from edreflect_assets.cli.build import DAY
from edreflect_assets.cli.output import plural, say, steps
from edreflect_assets.sample import DEFAULT_ACTIVITY, DEFAULT_PROGRAMS, generate

# Without a terminal, work that takes longer says where it is that often.
_SECONDS_WITHOUT_A_WORD = 10.0


@click.command()
@click.option("--out", required=True, type=click.Path(path_type=Path, file_okay=False), help="The folder to write to.")
@click.option("--orgs", type=click.IntRange(1), default=2, show_default=True, help="How many districts.")
@click.option("--days", type=click.IntRange(1), default=5, show_default=True, help="How many days, weekends included.")
@click.option("--educators", type=click.IntRange(3), default=40, show_default=True, help="How many per district.")
@click.option(
    "--students", type=click.IntRange(0), default=300, show_default=True, help="Per district; 0: EdReflect alone."
)
@click.option(
    "--activity",
    type=click.FloatRange(0, 1),
    default=DEFAULT_ACTIVITY,
    show_default=True,
    help="Share of the students who learn on a school day; 0: no TimeBack.",
)
@click.option(
    "--programs",
    type=click.IntRange(0),
    default=DEFAULT_PROGRAMS,
    show_default=True,
    help="About how many per district; 0: no Infinite Campus.",
)
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed writes the same bytes.")
@click.option("--end-day", type=DAY, metavar="DAY", help="The last day (YYYY-MM-DD).")
@click.option("--dirty/--clean", default=True, show_default=True, help="With or without a few broken records.")
@click.option("--hold-back", is_flag=True, help="Leave out the late day and leave the corrected day wrong.")
def sample(
    *,
    out: Path,
    orgs: int,
    days: int,
    educators: int,
    students: int,
    activity: float,
    programs: int,
    seed: int,
    end_day: datetime | None,
    dirty: bool,
    hold_back: bool,
) -> None:
    """Write generated exports to a folder, laid out as on an SFTP server.

    EdReflect's daily exports, OneRoster rosters about the same teachers, what TimeBack records of the rosters' students, and the programs of Infinite Campus that some of them are in. Nobody in them exists. Any size takes a bounded amount of memory. `edreflect load --source` takes the folder once its orgs are in the registry.
    """
    feeds = 1 + ((1 + (activity > 0) + (programs > 0)) if students else 0)
    with _progress(orgs * (days * feeds + 1)) as written:
        summary = generate(
            out,
            orgs=orgs,
            days=days,
            educators=educators,
            students=students,
            activity=activity,
            programs=programs,
            seed=seed,
            end_day=end_day.date() if end_day else None,
            dirty=dirty,
            hold_back=hold_back,
            written=written,
        )
    say(
        f"{plural(summary.files, 'file')} with {plural(summary.rows, 'record')}, {summary.dirty_rows} of them broken, "
        f"for {', '.join(summary.orgs)}, {summary.days[0]} to {summary.days[-1]}, in {out.absolute()}."
    )


@contextmanager
def _progress(folders: int) -> Iterator[Callable[[Path], None]]:
    """Give a function that shows the folder just written: always on a terminal, else when nothing was for a while."""
    with steps("Generating", folders) as progress:
        shown = time.monotonic()

        def written(directory: Path) -> None:
            nonlocal shown
            quiet = time.monotonic() - shown < _SECONDS_WITHOUT_A_WORD
            progress.done(f"Wrote {directory}", quiet=quiet)
            shown = shown if quiet else time.monotonic()

        yield written
