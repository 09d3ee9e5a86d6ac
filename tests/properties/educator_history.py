"""Histories of one org's three feeds: the same truth in several products, some of which never come.

A tidy history tells nothing that only one product knows, so that orgs with different products of it must look the same. A
wild one leaves days and files out, has holes and mistakes in its id maps, corrects them, delivers snapshots that lack a
group and single files of snapshots again.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from random import Random

from tests.model.picture.log import Delivery
from tests.properties.educator_exports import daily_export, legacy_export
from tests.properties.educator_ids import id_map, id_maps
from tests.properties.educator_snapshots import Snapshot
from tests.properties.educator_source import Source

REFRESH = date(2026, 3, 1)
DAYS = tuple(REFRESH + timedelta(days=n) for n in range(1, 6))
# Each of these would be missed; of a delivery without its files the rest is kept.
INDISPENSABLE = ("users", "observations", "snapshots")

Files = Mapping[str, bytes]


def tidy_history(random: Random, name: str) -> dict[str, list[Delivery]]:
    """Return the deliveries of three orgs in which the same happened: what came to each differs."""
    source = Source(random, REFRESH, tidy=True)
    legacy, maps = legacy_export(source, random), id_maps(source, random, holes=0)
    days, snapshots = {}, {}
    for day in DAYS:
        source.pass_day(day)
        days[day], snapshots[day] = daily_export(source), Snapshot(source, random).files()
    some_day = random.choice(DAYS)
    orgs = {}
    for org, of in (
        (f"{name}-days", {}),
        (f"{name}-both", {some_day: snapshots[some_day]}),
        (f"{name}-snapshot", {DAYS[-1]: snapshots[DAYS[-1]]}),
    ):
        deliveries = [Delivery("offboarding", org, day, files) for day, files in of.items()]
        if not org.endswith("-snapshot"):
            deliveries += [Delivery("edreflect", org, day, files) for day, files in days.items()]
            deliveries += [Delivery("legacy", org, REFRESH, legacy), Delivery("edreflect", org, None, maps)]
        random.shuffle(deliveries)
        orgs[org] = deliveries
    return orgs


def wild_history(random: Random, org: str) -> list[Delivery]:
    """Return some of the deliveries of one org, in some order; versions of one thing keep theirs."""
    source = Source(random, REFRESH, tidy=False)
    threads: list[list[Delivery]] = []
    if random.random() < 0.75:
        threads.append([Delivery("legacy", org, REFRESH, legacy_export(source, random))])
    if random.random() < 0.8:
        maps = [id_maps(source, random, holes=0.15, swap=random.random() < 0.3) for _ in range(random.randint(1, 2))]
        threads.append([Delivery("edreflect", org, None, each) for each in maps])
    chosen = random.sample(DAYS, random.choice((0, 1, 1, 2)))
    told: list[tuple[date, Files]] = []
    for day in DAYS:
        source.pass_day(day)
        if random.random() < 0.75:
            files = {file: data for file, data in daily_export(source).items() if random.random() < 0.97}
            threads.append([Delivery("edreflect", org, day, files)])
        if day in chosen:
            snapshot = Snapshot(source, random)
            told.append((day, (snapshot.forget_some() if random.random() < 0.3 else snapshot).files()))
    later = Snapshot(source, random).files()
    for day, files in told:
        versions = [Delivery("offboarding", org, day, files)]
        if random.random() < 0.25:
            lost = random.choice(INDISPENSABLE)
            versions = [
                Delivery("offboarding", org, day, {f: data for f, data in files.items() if f.split(".")[0] != lost})
            ]
        if random.random() < 0.3:
            file = random.choice(sorted(later.keys() & files.keys()))
            versions.append(Delivery("offboarding", org, day, {file: later[file]}))
        threads.append(versions)
    return _mixed(random, threads)


def other_maps(random: Random, deliveries: list[Delivery]) -> Delivery | None:
    """Return id maps that replace an org's last ones: emptied, or with two of their ids changed round."""
    known = [delivery for delivery in deliveries if delivery.feed == "edreflect" and delivery.day is None]
    if not known:
        return None
    files: dict[str, bytes] = {}
    for file, data in known[-1].files.items():
        lines = data.decode().split()[1:]
        mapped = dict(line.split(",") for line in lines)
        if random.random() < 0.3:
            mapped = {}
        elif len(mapped) > 1:
            one, other = random.sample(sorted(mapped), 2)
            mapped[one], mapped[other] = mapped[other], mapped[one]
        files[file] = id_map(mapped)
    return Delivery("edreflect", known[-1].org, None, files)


def _mixed(random: Random, threads: list[list[Delivery]]) -> list[Delivery]:
    mixed = []
    while any(threads):
        mixed.append(random.choice([thread for thread in threads if thread]).pop(0))
    return mixed
