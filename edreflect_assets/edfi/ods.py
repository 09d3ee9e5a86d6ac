"""What the org registry says of a district's Ed-Fi ODS: where it is, which standard it speaks, and what it may be sent.

An entry ``edfi`` of an org, as in ``orgs.yml``::

    springfield:
      edfi:
        url: https://ods.example.org/api
        data_standard: "5.0"
        districts: [255901]
        key_env: SPRINGFIELD_EDFI_KEY
        secret_env: SPRINGFIELD_EDFI_SECRET
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edreflect_assets.edfi.school_years import SCHOOL_YEARS
from edreflect_assets.edfi.standards import DATA_STANDARDS
from edreflect_assets.org_fields import Fields

FIELDS = frozenset(
    {"url", "data_standard", "districts", "key_env", "secret_env", "token_url", "data_path", "ca_file", "year"}
    | {"cohort_type", "descriptor_namespace", "concurrency", "timeout_seconds", "max_deleted_share"}
)
_URL = re.compile(r"https?://[^\s?#@]+")
_DISTRICT = re.compile(r"[1-9][0-9]{0,17}")
_NAMESPACE = re.compile(r"uri://[^\s#]+[^\s#/]")


@dataclass(frozen=True)
class Ods:
    """The ODS of one org.

    ``url`` is the base address, without the paths. ``key_env`` and ``secret_env`` name the environment variables with key
    and secret. ``districts`` are the education organization ids whose cohorts are the org's: no other is written or deleted.
    ``data_path`` (below ``url``, with ``{year}``) and ``token_url`` replace what the data standard says. ``year`` is the only
    school year of an ODS that has but one. ``ca_file`` holds the certificates (PEM) to trust instead of the system's.
    ``cohort_type`` ``mapped`` sends the mapped code where the state asks for it instead of Other. ``concurrency`` is the
    most calls, and connections, at one time; connecting and each answer may take ``timeout_seconds``. A resync that would
    delete more than ``max_deleted_share`` of a resource stops.
    """

    url: str
    data_standard: str
    districts: tuple[int, ...]
    key_env: str
    secret_env: str
    token_url: str | None = None
    data_path: str | None = None
    year: int | None = None
    ca_file: Path | None = None
    cohort_type: str = "other"
    descriptor_namespace: str = "uri://ed-fi.org"
    concurrency: int = 8
    timeout_seconds: float = 30.0
    max_deleted_share: float = 0.2

    def for_models(self) -> dict[str, Any]:
        """Return what the edfi models need to know; it is kept in ``ops.orgs.settings``."""
        return {
            "districts": list(self.districts),
            "max_identifier": DATA_STANDARDS[self.data_standard].max_identifier,
            "cohort_type": self.cohort_type,
            "descriptor_namespace": self.descriptor_namespace,
            "year": self.year,
        }


def read_ods(raw: Any, place: str, folder: Path) -> Ods | None:
    """Return the ODS that an org's entry describes, None when there is none; relative paths count from ``folder``.

    Raises ConfigurationError that names the org and the field, never the value.
    """
    if raw in (None, ""):
        return None
    fields = Fields(raw, f"{place}, edfi", FIELDS)
    needed = {name: fields.text(name) for name in ("url", "data_standard", "key_env", "secret_env")}
    for name, value in needed.items():
        if value is None:
            raise fields.error(name, "an ODS needs it")
    districts = fields.texts("districts")
    if not districts or not all(_DISTRICT.fullmatch(district) for district in districts):
        raise fields.error("districts", "the ids of the org's districts in the ODS are expected, as in [255901]")
    path, year = fields.text("data_path"), fields.text("year") and fields.whole("year", 0, *SCHOOL_YEARS)
    if path is not None and "{year}" not in path and not year:
        raise fields.error("data_path", "without {year} it belongs to one school year; say which in year")
    namespace = fields.matching("descriptor_namespace", _NAMESPACE, "a namespace is expected, as in uri://ed-fi.org")
    return Ods(
        url=(fields.matching("url", _URL, "an address with https:// is expected, without a login") or "").rstrip("/"),
        data_standard=fields.choice("data_standard", tuple(DATA_STANDARDS)),
        districts=tuple(map(int, districts)),
        key_env=fields.variable("key_env") or "",
        secret_env=fields.variable("secret_env") or "",
        token_url=fields.matching("token_url", _URL, "an address with https:// is expected"),
        data_path=path,
        year=int(year) if year else None,
        ca_file=fields.file("ca_file", folder),
        cohort_type=fields.choice("cohort_type", ("other", "mapped")),
        descriptor_namespace=namespace or Ods.descriptor_namespace,
        concurrency=fields.whole("concurrency", Ods.concurrency, 1, 64),
        timeout_seconds=fields.number("timeout_seconds", Ods.timeout_seconds, 1, 600),
        max_deleted_share=fields.number("max_deleted_share", Ods.max_deleted_share, 0, 1),
    )
