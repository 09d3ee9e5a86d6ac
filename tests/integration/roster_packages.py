"""Small OneRoster packages for tests: a valid one, changed by hand, delivered as loose files or as a zip."""

from __future__ import annotations

import io
import os
import stat
import zipfile
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path

from edreflect_assets.contracts import Feed, load_feeds
from edreflect_assets.orgs import Org, default_org_uuid

ORG = "springfield"
DAY = date(2026, 9, 1)
NEXT_DAY = date(2026, 9, 2)
PASSWORD = "Xy7-never-to-be-seen-4711"
ROSTER: Feed = load_feeds()["oneroster"]

_NAMES = ("academicSessions", "classes", "courses", "enrollments", "orgs", "users")
MANIFEST = "propertyName,value\nmanifest.version,1.0\noneroster.version,1.1\n"


def manifest(**modes: str) -> str:
    """Return a manifest that declares modes by file name without .csv; what is not named is bulk."""
    declared = {name: modes.get(name, "bulk") for name in _NAMES}
    return MANIFEST + "".join(f"file.{name},{mode}\n" for name, mode in declared.items())


FILES = {
    "manifest.csv": manifest(),
    "orgs.csv": "sourcedId,name,type,identifier,parentSourcedId\nd1,District,district,,\ns1,Elementary,school,4711,d1\n",
    "academicSessions.csv": (
        "sourcedId,title,type,startDate,endDate,parentSourcedId,schoolYear\n"
        "y1,2026-27,schoolYear,2026-08-01,2027-07-01,,2027\n"
        "t1,Fall,term,2026-08-01,2027-01-01,y1,2027\n"
    ),
    "courses.csv": (
        "sourcedId,schoolYearSourcedId,title,courseCode,grades,orgSourcedId,subjects,subjectCodes\n"
        "c1,y1,Reading,R1,03,s1,Reading,R\n"
    ),
    "classes.csv": (
        "sourcedId,title,grades,courseSourcedId,classCode,classType,location,schoolSourcedId,termSourcedIds,"
        "subjects,subjectCodes,periods\nk1,Reading A,03,c1,RA,scheduled,Room 1,s1,t1,Reading,R,1\n"
    ),
    "users.csv": (
        "sourcedId,enabledUser,orgSourcedIds,role,username,userIds,givenName,familyName,middleName,identifier,email,"
        "sms,phone,agentSourcedIds,grades,password\n"
        f"u1,true,s1,teacher,edna,{{SIS:1}},Edna,K,,E1,edna@example.org,,,,,{PASSWORD}\n"
        f'u2,true,s1,student,bart,{{SIS:2}},Bart,S,,,,,,,03,"{PASSWORD}"\n'
        "u3,true,s1,student,lisa,{SIS:3},Lisa,S,,,,,,,03,\n"
    ),
    "enrollments.csv": (
        "sourcedId,classSourcedId,schoolSourcedId,userSourcedId,role,primary,beginDate,endDate\n"
        "e1,k1,s1,u1,teacher,true,2026-08-15,2027-01-01\n"
        "e2,k1,s1,u2,student,,2026-08-15,2027-01-01\n"
        "e3,k1,s1,u3,student,,2026-08-15,2027-01-01\n"
    ),
}


def package(**changes: str | bytes | None) -> dict[str, bytes]:
    """Return the files of the package; a keyword names a file without .csv, None leaves it out."""
    files: dict[str, str | bytes | None] = {**FILES, **{f"{name}.csv": content for name, content in changes.items()}}
    return {
        name: content.encode() if isinstance(content, str) else content
        for name, content in files.items()
        if content is not None
    }


def zipped(files: Mapping[str, bytes]) -> bytes:
    """Return a zip of files; a name that ends in / is a folder."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def with_link(name: str, target: str) -> bytes:
    """Return a zip that holds a symbolic link."""
    info = zipfile.ZipInfo(name)
    info.create_system = 3
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(info, target)
    return buffer.getvalue()


def deliver(root: Path, files: Mapping[str, bytes], *, day: date = DAY, org_id: str = ORG) -> Path:
    """Write a delivery below ``root`` in place of the one before, with old mtimes, and return its folder."""
    folder = root / org_id / "oneroster" / day.isoformat()
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    long_ago = datetime(2026, 1, 1, tzinfo=UTC).timestamp()
    for name, content in files.items():
        (folder / name).write_bytes(content)
        os.utime(folder / name, (long_ago, long_ago))
    return folder


def org(org_id: str = ORG) -> Org:
    """Return an org that is loaded from folders."""
    return Org(org_id, default_org_uuid(org_id, org_id), org_id)
