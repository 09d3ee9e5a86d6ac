"""The state that the demo's districts report their cohorts to: a fake ODS, and what it holds in the end."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

from edreflect_assets.database import connect
from edreflect_assets.demo.home import DemoHome
from edreflect_assets.edfi.publish import years_of
from edreflect_assets.edfi.resources import RESOURCES
from edreflect_assets.edfi.standing import not_sendable
from edreflect_assets.fake_ods import FakeOds
from edreflect_assets.fake_ods.rules import district_of
from edreflect_assets.orgs import load_registry
from edreflect_assets.settings import Settings

KEY_VARIABLE = "EDREFLECT_DEMO_ODS_KEY"
SECRET_VARIABLE = "EDREFLECT_DEMO_ODS_SECRET"  # noqa: S105 - a variable's name
DATA_STANDARD = "5.0"


@dataclass(frozen=True)
class CohortSummary:
    """What the ODS holds of an org, and how many of its records should be there and cannot be sent."""

    org: str
    cohorts: int
    students: int
    staff: int
    not_sendable: int


@contextmanager
def state_ods(home: DemoHome) -> Iterator[FakeOds]:
    """Have an empty ODS on loopback, its key and secret in the environment; what an earlier one held is forgotten."""
    sample = home.sample
    key, secret = secrets.token_urlsafe(12), secrets.token_urlsafe(24)
    os.environ |= {KEY_VARIABLE: key, SECRET_VARIABLE: secret}
    with closing(connect(home.settings)) as connection, connection, connection.cursor() as cursor:
        cursor.execute("delete from edfi.identity_map where org_id = any(%s)", [list(sample.org_names)])
    districts = [sample.district_number(org) for org in sample.org_names]
    with FakeOds(DATA_STANDARD, key=key, secret=secret, districts=districts) as ods:
        yield ods


def registry_entry(home: DemoHome, ods: FakeOds, org: str) -> dict[str, Any]:
    """Return the entry ``edfi`` of an org."""
    return {
        "url": ods.url,
        "data_standard": DATA_STANDARD,
        "districts": [home.sample.district_number(org)],
        "key_env": KEY_VARIABLE,
        "secret_env": SECRET_VARIABLE,
    }


def reported(home: DemoHome, ods: FakeOds) -> list[CohortSummary]:
    """Return for each org what the ODS holds of it and what was not sendable."""
    return [
        CohortSummary(org, *_held(ods, home.sample.district_number(org), _years(home.settings, org)), unsent)
        for org, unsent in _not_sendable(home).items()
    ]


def _held(ods: FakeOds, district: int, years: tuple[int, ...]) -> tuple[int, int, int]:
    cohorts, students, staff = (
        sum(
            district_of(resource.name, payload) == district
            for year in years
            for payload in ods.resources(year, resource.name).values()
        )
        for resource in RESOURCES
    )
    return cohorts, students, staff


def _not_sendable(home: DemoHome) -> dict[str, int]:
    with closing(connect(home.settings)) as connection:
        found = not_sendable(connection)
    return {org: sum(each.records for each in found if each.org_id == org) for org in home.sample.org_names}


def _years(settings: Settings, org: str) -> tuple[int, ...]:
    with closing(connect(settings)) as connection:
        return years_of(connection, load_registry(settings)[org], None).delivered
