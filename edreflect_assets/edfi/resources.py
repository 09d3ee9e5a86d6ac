"""The three resources of an Ed-Fi ODS that the platform keeps in step, and how each is identified there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# The natural key of a resource in the order of ``Resource.key_fields``; of an association the first two are its cohort's.
NaturalKey = tuple[str | int, ...]


@dataclass(frozen=True)
class Resource:
    """A resource of the ODS.

    ``name`` is its path below ``ed-fi/`` and its toggle in resource_toggles.csv, ``table`` the dbt model in schema edfi that
    says what should be there, ``files`` the delivered files that this follows from. ``key_fields`` name the parts of the
    natural key, in the order of ``NaturalKey``.
    """

    name: str
    table: str
    files: tuple[str, ...]
    key_fields: tuple[str, ...]
    person: str | None = None

    def key_of(self, payload: Mapping[str, Any]) -> NaturalKey:
        """Return the natural key of a resource as the ODS shows it; raises KeyError where a part is missing."""
        if self.person is None:
            cohort = payload["educationOrganizationReference"]["educationOrganizationId"]
            return str(payload["cohortIdentifier"]), int(cohort)
        reference = payload["cohortReference"]
        person = payload[f"{self.person}Reference"][f"{self.person}UniqueId"]
        cohort_key = str(reference["cohortIdentifier"]), int(reference["educationOrganizationId"])
        return (*cohort_key, str(person), str(payload["beginDate"]))

    def key_from(self, parts: Mapping[str, Any]) -> NaturalKey:
        """Return the natural key that the database holds as a JSON object."""
        return tuple(parts[field] for field in self.key_fields)

    def parts_of(self, key: NaturalKey) -> dict[str, str | int]:
        """Return a natural key as the JSON object that the database holds."""
        return dict(zip(self.key_fields, key, strict=True))

    @property
    def is_association(self) -> bool:
        """Whether it refers to a cohort, so that it is written after and deleted before it."""
        return self.person is not None


_PREFERENCES = "resource_preferences.csv"
COHORTS = Resource(
    "cohorts", "cohorts", ("programs.csv", _PREFERENCES), ("cohortIdentifier", "educationOrganizationId")
)
STUDENTS = Resource(
    "studentCohortAssociations",
    "student_cohort_associations",
    ("programs.csv", _PREFERENCES, "program_participation.csv"),
    (*COHORTS.key_fields, "studentUniqueId", "beginDate"),
    "student",
)
STAFF = Resource(
    "staffCohortAssociations",
    "staff_cohort_associations",
    ("programs.csv", _PREFERENCES, "program_staff.csv"),
    (*COHORTS.key_fields, "staffUniqueId", "beginDate"),
    "staff",
)
ASSOCIATIONS = (STUDENTS, STAFF)
# In the order in which they are written; they are deleted in the reverse one.
RESOURCES = (COHORTS, *ASSOCIATIONS)


def same_content(payload: Mapping[str, Any], found: Mapping[str, Any]) -> bool:
    """Tell whether the ODS shows what was sent, and nothing in a field that was left out; what it adds does not count.

    Of the fields that the platform never sends (academicSubjectDescriptor, programs) nothing is asked.
    """
    optional = {"cohortScopeDescriptor", "cohortDescription", "endDate"}
    if any(found.get(field) not in (None, "") for field in optional - payload.keys()):
        return False
    return all(_same(value, found.get(field)) for field, value in payload.items())


def _same(sent: Any, shown: Any) -> bool:
    if isinstance(sent, Mapping):
        return isinstance(shown, Mapping) and all(_same(value, shown.get(field)) for field, value in sent.items())
    # Descriptors are compared by the ODS without regard to case.
    if isinstance(sent, str) and isinstance(shown, str) and "#" in sent and sent.startswith("uri://"):
        return sent.casefold() == shown.casefold()
    return bool(sent == shown)
