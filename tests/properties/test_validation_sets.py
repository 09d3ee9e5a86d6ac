"""What records say beside each other, judged by polars in one go as plain Python judges them one by one."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edreflect_assets.contracts import FileContract
from edreflect_assets.roster.validation import validate
from tests.unit.roster.rosters import CHANGED, FEED

Row = dict[str, str]
Place = tuple[str, str, int]
DAYS = ["2026-01-01", "2026-02-01", "2026-03-01", "2026-04-01"]
OF_SETS = {"OR400", "OR401", "OR410", "OR411", "OR412", "OR413", "OR420", "OR430", "OR431", "OR432", "OR440", "OR441"}


def ids(kind: str) -> st.SearchStrategy[str]:
    return st.integers(0, 4).map(lambda number: f"{kind}{number}")


def optional(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.just("") | values


def listed(values: st.SearchStrategy[str], least: int) -> st.SearchStrategy[str]:
    return st.lists(values, min_size=least, max_size=3).map(",".join)


day = st.sampled_from(DAYS)
ROWS: dict[str, dict[str, st.SearchStrategy[str]]] = {
    "academicSessions.csv": {
        "sourcedId": ids("t"),
        "title": st.just("Term"),
        "type": st.sampled_from(["term", "schoolYear"]),
        "startDate": day,
        "endDate": day,
        "parentSourcedId": optional(ids("t")),
        "schoolYear": st.just("2026"),
    },
    "orgs.csv": {
        "sourcedId": ids("o"),
        "name": st.just("North"),
        "type": st.sampled_from(["school", "district"]),
        "parentSourcedId": optional(ids("o")),
    },
    "courses.csv": {
        "sourcedId": ids("c"),
        "schoolYearSourcedId": optional(ids("t")),
        "title": st.just("Algebra"),
        "orgSourcedId": ids("o"),
    },
    "classes.csv": {
        "sourcedId": ids("k"),
        "title": st.just("Algebra 1"),
        "courseSourcedId": ids("c"),
        "classType": st.just("scheduled"),
        "schoolSourcedId": ids("o"),
        "termSourcedIds": listed(ids("t"), 1),
    },
    "enrollments.csv": {
        "sourcedId": st.integers(0, 9).map(lambda number: f"e{number}"),
        "classSourcedId": ids("k"),
        "schoolSourcedId": ids("o"),
        "userSourcedId": ids("u"),
        "role": st.sampled_from(["teacher", "student"]),
        "primary": st.sampled_from(["", "true", "false"]),
        "beginDate": optional(day),
        "endDate": optional(day),
    },
    "users.csv": {
        "sourcedId": ids("u"),
        "enabledUser": st.just("true"),
        "orgSourcedIds": listed(ids("o"), 1),
        "role": st.sampled_from(["teacher", "student"]),
        "username": st.just("name"),
        "givenName": st.just("Ann"),
        "familyName": st.just("Lee"),
        "agentSourcedIds": listed(ids("u"), 0),
        "grades": st.sampled_from(["", "09"]),
    },
}


@st.composite
def packages(draw: st.DrawFn) -> dict[str, tuple[str, list[Row]]]:
    """Some files, each with its mode and rows."""
    package = {}
    for file in draw(st.sets(st.sampled_from(sorted(ROWS)), min_size=1)):
        mode = draw(st.sampled_from(["bulk", "bulk", "delta"]))
        rows = draw(st.lists(st.fixed_dictionaries(ROWS[file]), min_size=1, max_size=8))
        for row in rows:
            delta = mode == "delta"
            row["status"] = draw(st.sampled_from(["active", "tobedeleted"])) if delta else ""
            row["dateLastModified"] = CHANGED if delta else ""
        package[file] = (mode, rows)
    return package


def written(contract: FileContract, rows: list[Row]) -> bytes:
    headers = [column.header or column.name for column in contract.columns]
    lines = [",".join(f'"{row.get(name, "")}"' for name in headers) for row in rows]
    return "\n".join([",".join(headers), *lines, ""]).encode()


class Model:
    """The rules, one record at a time."""

    def __init__(self, package: Mapping[str, tuple[str, list[Row]]]) -> None:
        self.package = package

    def rows(self, file: str) -> list[tuple[int, Row]]:
        return list(enumerate(self.package[file][1], start=2)) if file in self.package else []

    def last(self, file: str) -> dict[str, Row]:
        return {row["sourcedId"]: row for _, row in self.rows(file)}

    def findings(self) -> Iterator[Place]:
        for file, (mode, rows) in self.package.items():
            seen: set[str] = set()
            for line in range(len(rows) + 1, 1, -1):
                row = rows[line - 2]
                if row["sourcedId"] in seen:
                    yield ("OR401" if mode == "delta" else "OR400"), file, line
                seen.add(row["sourcedId"])
            yield from self.references(file, mode)
        yield from self.circles("orgs.csv")
        yield from self.circles("academicSessions.csv")
        for file, begin, end in (
            ("academicSessions.csv", "startDate", "endDate"),
            ("enrollments.csv", "beginDate", "endDate"),
        ):
            for line, row in self.rows(file):
                if current(row) and row[begin] and row[end] and row[end] <= row[begin]:
                    yield "OR420", file, line
        for line, row in self.rows("users.csv"):
            if current(row) and row["role"] == "student" and not row["grades"]:
                yield "OR440", "users.csv", line
            if current(row) and row["role"] != "student" and row["grades"]:
                yield "OR441", "users.csv", line
        yield from self.enrollments()

    def references(self, file: str, mode: str) -> Iterator[Place]:
        for column in FEED.files[file].columns:
            header = column.header or column.name
            target = FEED.tables[column.references].file if column.references else ""
            if target not in self.package or header not in ROWS[file]:
                continue
            for line, row in self.rows(file):
                named = [item for item in row[header].split(",") if item]
                if "bulk" == mode == self.package[target][0] and set(named) - self.last(target).keys():
                    yield "OR410", file, line
                for code, kind in {
                    "schoolSourcedId": [("OR411", "school")],
                    "schoolYearSourcedId": [("OR412", "schoolYear")],
                }.get(header, []):
                    if any(self.last(target).get(item, {"type": kind})["type"] != kind for item in named):
                        yield code, file, line

    def circles(self, file: str) -> Iterator[Place]:
        last = self.last(file)
        for line, row in self.rows(file):
            if last[row["sourcedId"]] is not row:
                continue
            above = row["parentSourcedId"]
            for _ in range(10):
                if above == row["sourcedId"]:
                    yield "OR413", file, line
                    break
                above = last[above]["parentSourcedId"] if above in last else ""

    def enrollments(self) -> Iterator[Place]:
        file = "enrollments.csv"
        teaching = []
        for line, row in self.rows(file):
            if not current(row):
                continue
            if row["primary"] == "true" and row["role"] != "teacher":
                yield "OR431", file, line
            if row["primary"] == "true" and row["role"] == "teacher":
                teaching.append((row["beginDate"] or "0", line, row))
            terms = self.terms(row["classSourcedId"])
            if terms:
                start, end = min(term["startDate"] for term in terms), max(term["endDate"] for term in terms)
                if row["beginDate"] and not start <= row["beginDate"] < end:
                    yield "OR432", file, line
                if row["endDate"] and not start < row["endDate"] <= end:
                    yield "OR432", file, line
        for begin, line, row in teaching:
            for other_begin, other_line, other in teaching:
                if (
                    (other_begin, other_line) < (begin, line)
                    and other["classSourcedId"] == row["classSourcedId"]
                    and other["userSourcedId"] != row["userSourcedId"]
                    and (other["endDate"] or "9") > begin
                ):
                    yield "OR430", file, line
                    break

    def terms(self, of_class: str) -> list[Row]:
        """Return the terms of a class, none when any of them is unknown."""
        known = self.last("classes.csv").get(of_class)
        if known is None:
            return []
        sessions = self.last("academicSessions.csv")
        terms = [sessions.get(term) for term in known["termSourcedIds"].split(",")]
        return [term for term in terms if term] if all(terms) else []


def current(row: Row) -> bool:
    return row["status"] != "tobedeleted"


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(packages())
def test_records_beside_each_other_are_judged_as_one_by_one(package: dict[str, tuple[str, list[Row]]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        paths = {file: Path(folder) / file for file in package}
        for file, (_, rows) in package.items():
            paths[file].write_bytes(written(FEED.files[file], rows))
        verdict = validate(FEED, paths)
    assert {file: judged.mode for file, judged in verdict.files.items()} == {
        file: mode for file, (mode, _) in package.items()
    }
    found = sorted((f.code, f.file, f.line or 0) for f in verdict.findings() if f.code in OF_SETS)
    assert found == sorted(Model(package).findings())
