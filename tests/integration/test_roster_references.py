"""References are judged over the whole warehouse: what a delta does not repeat is not missing."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, date, datetime

from edreflect_assets.checks.base import CheckResult
from edreflect_assets.checks.references import references_resolved, subjects_matched
from edreflect_assets.contracts import load_feeds
from edreflect_assets.database import connect
from edreflect_assets.settings import Settings
from tests.model.roster import platform
from tests.model.roster.sheets import change, delivery, row, sheet

D1, D2 = date(2026, 3, 2), date(2026, 3, 3)
NOW = datetime(2026, 3, 4, tzinfo=UTC)
SHARED = "6f9619ff-8b86-d011-b42d-00cf4fc964ff"


def _checked(settings: Settings) -> CheckResult:
    with closing(connect(settings)) as connection:
        return references_resolved(connection, load_feeds()["oneroster"], {}, NOW)


def test_before_the_first_build_nothing_is_missing(database: Settings):
    assert _checked(database).passed


def test_references_that_lead_nowhere_are_counted_by_org_and_column(database: Settings):
    with closing(connect(database)) as connection:
        platform.register(connection, {"north": "state", "sister": "state", "south": "south"})
        complete = (
            sheet("orgs", row("s1"), row(SHARED)),
            sheet("academicSessions", row("t1")),
            sheet("courses", row("c1")),
            sheet("classes", row("k1")),
            sheet("users", row("u1")),
        )
        assert platform.load(connection, database, delivery("north", D1, complete, "1.1"))
        changes = sheet("enrollments", change("e1"), change("e2", userSourcedId="nobody"))
        assert platform.load(connection, database, delivery("north", D2, (changes,)))
        # a school of the tenant that another org delivered, and the same id in another tenant, which is not it
        assert platform.load(
            connection, database, delivery("sister", D1, (sheet("users", row("u1", orgSourcedIds=SHARED)),))
        )
        assert platform.load(
            connection, database, delivery("south", D1, (sheet("users", row("u1", orgSourcedIds=SHARED)),))
        )
        platform.build_rosters(database, D2, select="+path:models/reconciled/oneroster")
    checked = _checked(database)
    assert not checked.passed
    assert checked.severity == "warn"
    assert "north: enrollments.csv userSourcedId: 1 reference without a target" in checked.text
    assert "south: roles: the organization: 1 reference without a target" in checked.text
    assert "sister" not in checked.text
    assert checked.metadata["lost"] == 2


def test_subjects_count_as_unknown_only_once_some_are_known(database: Settings):
    with closing(connect(database)) as connection:
        platform.register(connection, {"north": "north"})
        classes = sheet("classes", row("k1", subjects="Astronomy"), row("k2", subjects="Algebra"), row("k3"))
        assert platform.load(connection, database, delivery("north", D1, (classes,)))
        platform.build_rosters(database, D1, select="+path:models/reconciled/oneroster")
        feed = load_feeds()["oneroster"]
        assert subjects_matched(connection, feed, {}, NOW).passed
        with connection, connection.cursor() as cursor:
            cursor.execute(
                "insert into timeback.cf_subject (org_id, identifier, title, _day)"
                " values ('north', gen_random_uuid(), 'Algebra', '2026-03-01')"
            )
        platform.build_rosters(database, D1, select="oneroster__one_roster_class_subject")
        checked = subjects_matched(connection, feed, {}, NOW)
    assert not checked.passed
    assert checked.metadata["classes"] == 1
