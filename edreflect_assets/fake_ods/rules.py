"""What an Ed-Fi ODS demands of the three resources: members, keys, and how it words a refusal.

The limits are written down here once more, apart from the client's, so that a mistake in one shows against the other.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from datetime import date
from typing import Any

COHORTS = "cohorts"
STUDENTS = "studentCohortAssociations"
STAFF = "staffCohortAssociations"
RESOURCES = (COHORTS, STUDENTS, STAFF)

MAX_IDENTIFIER = {"3.3": 20, "4.0": 20, "5.0": 36, "6.0": 36}
MAX_DESCRIPTION = 1024
MAX_UNIQUE_ID = 32
_PROBLEM_DETAILS = {"5.0", "6.0"}

Key = tuple[object, ...]
Payload = dict[str, Any]

_PERSONS = {STUDENTS: ("studentReference", "studentUniqueId"), STAFF: ("staffReference", "staffUniqueId")}
_ENTITIES = {COHORTS: "Cohort", STUDENTS: "StudentCohortAssociation", STAFF: "StaffCohortAssociation"}
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_DESCRIPTOR = re.compile(r"[a-z]+://[^#\s]+#.+")


class Problem(Exception):
    """A request is refused: its status and everything an answer says about it."""

    def __init__(self, status: int, kind: str, title: str, detail: str, errors: Mapping[str, list[str]] | None = None):
        super().__init__(detail)
        self.status, self.kind, self.title, self.detail = status, kind, title, detail
        self.errors = dict(errors or {})

    def body(self, standard: str) -> dict[str, Any]:
        """Return the answer's body: problem details from standard 5.0 on, a single message before."""
        if standard not in _PROBLEM_DETAILS:
            lines = [text for texts in self.errors.values() for text in texts]
            return {"message": "\n".join([self.detail, *lines])}
        body = {
            "detail": self.detail,
            "type": f"urn:ed-fi:api:{self.kind}",
            "title": self.title,
            "status": self.status,
            "correlationId": str(uuid.uuid4()),
        }
        return body | ({"validationErrors": self.errors} if self.errors else {})


def natural_key(resource: str, payload: Payload) -> Key:
    """Return what identifies a resource; members that are missing count as None."""
    if resource == COHORTS:
        return (payload.get("cohortIdentifier"), district_of(resource, payload))
    reference, member = _PERSONS[resource]
    return (*cohort_key(payload), _member(payload, reference, member), payload.get("beginDate"))


def cohort_key(association: Payload) -> Key:
    """Return the natural key of the cohort that an association belongs to."""
    return (
        _member(association, "cohortReference", "cohortIdentifier"),
        _member(association, "cohortReference", "educationOrganizationId"),
    )


def district_of(resource: str, payload: Payload) -> object:
    """Return the educationOrganizationId of a cohort, or of an association's cohort."""
    reference = "educationOrganizationReference" if resource == COHORTS else "cohortReference"
    return _member(payload, reference, "educationOrganizationId")


def identifier_of(resource: str, payload: Payload) -> object:
    """Return the cohortIdentifier of a cohort, or of an association's cohort."""
    return payload.get("cohortIdentifier") if resource == COHORTS else cohort_key(payload)[0]


def check(resource: str, payload: object, standard: str) -> Payload:
    """Return the payload if the ODS would take it; raises Problem (400) otherwise. Unknown members are let pass."""
    if not isinstance(payload, dict):
        raise Problem(400, "bad-request:data", "Data Validation Failed", "The request body must be a JSON object.")
    errors: dict[str, list[str]] = {}
    if resource == COHORTS:
        _text(payload, "cohortIdentifier", MAX_IDENTIFIER[standard], errors)
        _whole_number(payload, "educationOrganizationReference.educationOrganizationId", errors)
        _descriptor(payload, "cohortTypeDescriptor", errors, required=True)
        _descriptor(payload, "cohortScopeDescriptor", errors)
        if payload.get("cohortDescription") is not None:
            _text(payload, "cohortDescription", MAX_DESCRIPTION, errors, shortest=0)
    else:
        _text(payload, "cohortReference.cohortIdentifier", MAX_IDENTIFIER[standard], errors)
        _whole_number(payload, "cohortReference.educationOrganizationId", errors)
        _text(payload, ".".join(_PERSONS[resource]), MAX_UNIQUE_ID, errors)
        _date(payload, "beginDate", errors, required=True)
        _date(payload, "endDate", errors)
    if errors:
        raise Problem(
            400,
            "bad-request:data-validation-failed",
            "Data Validation Failed",
            f"Validation of '{_ENTITIES[resource]}' failed.",
            errors,
        )
    return payload


def key_changed() -> Problem:
    """Refuse a PUT whose body has another natural key."""
    return Problem(
        400,
        "bad-request:data-validation-failed:key-change-not-supported",
        "Key Change Not Supported",
        "Key values for this resource cannot be changed. Delete and recreate the resource item.",
    )


def no_cohort() -> Problem:
    """Refuse an association to a cohort that is not there."""
    return Problem(
        409, "conflict:unresolved-reference", "Unresolved Reference", "The referenced 'Cohort' item does not exist."
    )


def still_referenced(resource: str) -> Problem:
    """Refuse to delete a cohort that something of ``resource`` refers to."""
    return Problem(
        409,
        "conflict:dependent-item-exists",
        "Dependent Item Exists",
        "The requested action cannot be performed because this item is referenced by existing "
        f"'{_ENTITIES[resource]}' item(s).",
    )


def unauthenticated() -> Problem:
    """Refuse a request without a token that is valid now."""
    return Problem(401, "security:authentication", "Authentication Failed", "The caller could not be authenticated.")


def forbidden() -> Problem:
    """Refuse a request about a district that the key has no claim to."""
    return Problem(
        403,
        "security:authorization",
        "Authorization Denied",
        "Access to the resource could not be authorized: no relationship with the educationOrganizationId.",
    )


def not_found() -> Problem:
    """Say that there is no such item or path."""
    return Problem(404, "not-found", "Not Found", "The specified resource item could not be found.")


def bad_parameter(detail: str) -> Problem:
    """Refuse a query parameter or a body."""
    return Problem(400, "bad-request:parameter", "Parameter Validation Failed", detail)


def links(resource: str, payload: Payload, cohort_id: str | None) -> Payload:
    """Return ``payload`` with a ``link`` in each reference; that to a cohort only where it has an id."""
    answer = dict(payload)
    for reference, rel, path in (
        ("educationOrganizationReference", "EducationOrganization", "educationOrganizations"),
        ("cohortReference", "Cohort", COHORTS),
        ("studentReference", "Student", "students"),
        ("staffReference", "Staff", "staffs"),
    ):
        value = payload.get(reference)
        if not isinstance(value, dict) or (path == COHORTS and cohort_id is None):
            continue
        target = cohort_id if path == COHORTS else uuid.uuid5(uuid.NAMESPACE_OID, f"{path}{sorted(value.items())}").hex
        answer[reference] = value | {"link": {"rel": rel, "href": f"/ed-fi/{path}/{target}"}}
    return answer


def _member(payload: Payload, *path: str) -> Any:
    value: Any = payload
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _required(payload: Payload, path: str, errors: dict[str, list[str]]) -> Any:
    value = _member(payload, *path.split("."))
    if value is None:
        errors[f"$.{path}"] = [f"{_title(path)} is required."]
    return value


def _text(payload: Payload, path: str, longest: int, errors: dict[str, list[str]], *, shortest: int = 1) -> None:
    value = _required(payload, path, errors)
    if value is not None and not (isinstance(value, str) and shortest <= len(value) <= longest):
        errors[f"$.{path}"] = [
            f"The field {_title(path)} must be a string with a minimum length of {shortest} and a maximum length of "
            f"{longest}."
        ]


def _whole_number(payload: Payload, path: str, errors: dict[str, list[str]]) -> None:
    value = _required(payload, path, errors)
    if value is not None and type(value) is not int:
        errors[f"$.{path}"] = [f"{_title(path)} could not be converted to an integer."]


def _descriptor(payload: Payload, name: str, errors: dict[str, list[str]], *, required: bool = False) -> None:
    value = _required(payload, name, errors) if required else payload.get(name)
    if value is not None and not (isinstance(value, str) and _DESCRIPTOR.fullmatch(value)):
        errors[f"$.{name}"] = [f"{_title(name)} value '{value}' does not exist."]


def _date(payload: Payload, name: str, errors: dict[str, list[str]], *, required: bool = False) -> None:
    value = _required(payload, name, errors) if required else payload.get(name)
    if value is None:
        return
    try:
        if not (isinstance(value, str) and _DATE.fullmatch(value)):
            raise ValueError
        date.fromisoformat(value)
    except ValueError:
        errors[f"$.{name}"] = [f"{_title(name)} could not be converted to a date (yyyy-MM-dd)."]


def _title(path: str) -> str:
    name = path.rpartition(".")[2]
    return name[:1].upper() + name[1:]
