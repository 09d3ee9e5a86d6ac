"""The demo's own ``EDREFLECT_HOME``: a demo never mixes with districts that exist."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from edreflect_assets.database.server import remove_server
from edreflect_assets.errors import UsageError
from edreflect_assets.files import make_private, replace_text
from edreflect_assets.orgs import load_registry
from edreflect_assets.sample import DEFAULT_ACTIVITY, DEFAULT_PROGRAMS, Sample
from edreflect_assets.settings import DATABASE_URL_VARIABLE, HOME_VARIABLE, Settings


@dataclass(frozen=True)
class DemoOptions:
    """How many districts and calendar days, how many educators and students each, the seed of their invention, the last day.

    Without ``end_day`` the last weekday is it, or the one that the same options had before.
    """

    orgs: int = 2
    days: int = 5
    educators: int = 40
    students: int = 300
    seed: int = 1
    end_day: date | None = None


@dataclass(frozen=True)
class DemoHome:
    """Where a demo lives and what it plays."""

    settings: Settings
    sample: Sample

    @property
    def served(self) -> Path:
        """The folder that the SFTP server shows: one folder per org."""
        return self.settings.home / "demo" / "sftp"


def prepare_home(options: DemoOptions, settings: Settings) -> DemoHome:
    """Return the demo's home, made known to this process and its children; the database is the embedded one.

    The same options again play the same days over what is there; other options start anew. Raises UsageError when the
    home holds anything but a demo, or for days that cannot be played.
    """
    settings = Settings(home=settings.home)
    os.environ[HOME_VARIABLE] = str(settings.home)
    os.environ.pop(DATABASE_URL_VARIABLE, None)
    plan = settings.home / "demo" / "plan.json"
    known = json.loads(plan.read_text(encoding="utf-8")) if plan.exists() else None
    _refuse_other_orgs(settings, known)
    asked = {name: value for name, value in asdict(options).items() if name != "end_day"}
    if options.end_day:
        _check_days(options.end_day, options.days)
    known_day = date.fromisoformat(known["end_day"]) if known else None
    if known is not None and (known["options"] != asked or options.end_day not in {None, known_day}):
        _start_anew(settings)
        known = known_day = None
    end_day = options.end_day or known_day or _last_weekday(datetime.now(UTC).date())
    sample = Sample(
        orgs=options.orgs,
        days=options.days,
        educators=options.educators,
        students=options.students,
        activity=DEFAULT_ACTIVITY,
        programs=DEFAULT_PROGRAMS,
        seed=options.seed,
        end_day=end_day,
    )
    if known is None:
        if not settings.home.exists():
            settings.home.mkdir(parents=True)
            # Others may pass through, as the database server's account must, not look around.
            settings.home.chmod(0o711)
        make_private(plan.parent, plan.parent)
        contents = {"options": asked, "end_day": end_day.isoformat(), "orgs": list(sample.org_names)}
        replace_text(plan, json.dumps(contents))
    return DemoHome(settings, sample)


def _last_weekday(today: date) -> date:
    """Return a day that is neither late nor to come for orgs that deliver on weekdays."""
    return today - timedelta(days=max(0, today.weekday() - 4))


def _check_days(end_day: date, days: int) -> None:
    """Refuse days that are still to come, or that the raw assets have no partitions for; raises UsageError."""
    from edreflect_assets.orchestration.partitions import DAYS  # noqa: PLC0415 - takes seconds

    if end_day > datetime.now(UTC).date():
        raise UsageError(f"The demo's last day, {end_day}, is still to come; give --end-day a day that has begun.")
    first = end_day - timedelta(days=days - 1)
    if not DAYS.has_partition_key(first.isoformat()):
        raise UsageError(
            f"The demo would begin on {first}, before the first day of the raw assets, {DAYS.start:%Y-%m-%d}; give"
            " --end-day a later day, or fewer --days."
        )


def _refuse_other_orgs(settings: Settings, plan: dict[str, list[str]] | None) -> None:
    others = set(load_registry(settings)) - set(plan["orgs"] if plan else ())
    if others or (plan is None and settings.landing.exists()):
        raise UsageError(
            f"{settings.home} is not the demo's alone; give the demo a home of its own: "
            f"{HOME_VARIABLE}=.edreflect-demo edreflect demo"
        )


def _start_anew(settings: Settings) -> None:
    remove_server(settings)
    for directory in (settings.landing, settings.dagster_home, settings.home / "demo"):
        shutil.rmtree(directory, ignore_errors=True)
    settings.registry.unlink(missing_ok=True)
