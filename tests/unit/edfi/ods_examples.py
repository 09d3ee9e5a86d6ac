"""Payloads and connections that the tests of the Ed-Fi client share; nothing in them is real."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from edreflect_assets.edfi.client import OdsClient, OdsConnection, Retries
from edreflect_assets.edfi.ods import Ods
from edreflect_assets.fake_ods import FakeOds

DISTRICT = 255901
YEAR = 2026
ENVIRON = {"SPRINGFIELD_ODS_KEY": "marked-key-71", "SPRINGFIELD_ODS_SECRET": "marked-secret-72"}
KEY, SECRET = ENVIRON.values()


def cohort(name: str = "Reading Club", district: int = DISTRICT, **further: Any) -> dict[str, Any]:
    return {
        "cohortIdentifier": name,
        "educationOrganizationReference": {"educationOrganizationId": district},
        "cohortTypeDescriptor": "uri://ed-fi.org/CohortTypeDescriptor#Other",
        **further,
    }


def student(unique_id: str = "604821", name: str = "Reading Club", district: int = DISTRICT) -> dict[str, Any]:
    return {
        "cohortReference": {"cohortIdentifier": name, "educationOrganizationId": district},
        "studentReference": {"studentUniqueId": unique_id},
        "beginDate": "2025-09-01",
    }


def staff(unique_id: str = "207219", name: str = "Reading Club", district: int = DISTRICT) -> dict[str, Any]:
    return {
        "cohortReference": {"cohortIdentifier": name, "educationOrganizationId": district},
        "staffReference": {"staffUniqueId": unique_id},
        "beginDate": "2025-09-01",
    }


def connection(url: str, **further: Any) -> OdsConnection:
    key_env, secret_env = ENVIRON
    ods = Ods(url, "5.0", (DISTRICT,), key_env, secret_env)
    return OdsConnection("springfield", replace(ods, **further), YEAR)


class Naps(list[float]):
    """The pauses that were asked for; none is taken."""

    def __call__(self, seconds: float) -> None:
        self.append(seconds)


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def client(ods: FakeOds, *, naps: Naps | None = None, retries: Retries | None = None, **further: Any) -> OdsClient:
    """A client that does not really sleep; ``timeout_seconds`` and ``concurrency`` of the ODS may be given."""
    fields = {name: further.pop(name) for name in ("timeout_seconds", "concurrency") if name in further}
    return OdsClient(
        connection(ods.url, **fields),
        environ=ENVIRON,
        retries=retries or Retries(),
        sleep=naps if naps is not None else Naps(),
        **further,
    )
