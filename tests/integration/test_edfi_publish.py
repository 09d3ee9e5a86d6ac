"""From Infinite Campus's files to a state's ODS and back: what is sent, kept, deleted and reported."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from edreflect_assets.database import connect
from edreflect_assets.edfi.locks import publishing
from edreflect_assets.edfi.publish import Publication, TooManyDeletions
from edreflect_assets.errors import EdreflectError, Refused
from edreflect_assets.fake_ods import Fault
from edreflect_assets.warehouse.build import run_dbt
from tests.integration.edfi_world import DISTRICT, ORG, YEAR, Campus, EdfiWorld, register, world_of_a_module

shared = world_of_a_module()


@pytest.fixture
def world(shared: EdfiWorld) -> EdfiWorld:
    """The world with nothing in it."""
    shared.empty()
    return shared


def failures(publication: Publication) -> dict[tuple[str, str, int | None], int]:
    """The calls of a publication that failed."""
    assert publication.outcome is not None
    return dict(publication.outcome.failed)


def band() -> Campus:
    campus = Campus()
    campus.program("1")
    campus.program("2", program_name="Choir", program_category="Cohort: Cohort", description=None)
    campus.student("11", "1", "s1")
    campus.student("12", "2", "s1", end_date="2026-12-24")
    campus.lead("21", "1", "t1")
    return campus


def test_files_become_resources_of_the_ods_and_the_next_run_calls_nothing(world: EdfiWorld):
    world.load(band())

    published = world.publish()

    assert failures(published) == {}
    descriptors = {"cohortTypeDescriptor": "uri://ed-fi.org/CohortTypeDescriptor#Other"}
    district = {"educationOrganizationReference": {"educationOrganizationId": DISTRICT}}
    sent = world.ods.resources(YEAR, "cohorts").values()
    assert sorted(sent, key=lambda each: each["cohortIdentifier"]) == [
        {
            "cohortIdentifier": "Band",
            **district,
            **descriptors,
            "cohortScopeDescriptor": "uri://ed-fi.org/CohortScopeDescriptor#District",
            "cohortDescription": "Plays",
        },
        {"cohortIdentifier": "Choir", **district, **descriptors},
    ]
    students = world.ods.resources(YEAR, "studentCohortAssociations").values()
    assert {(each["cohortReference"]["cohortIdentifier"], each.get("endDate")) for each in students} == {
        ("Band", None),
        ("Choir", "2026-12-24"),
    }
    assert len(world.ods.resources(YEAR, "staffCohortAssociations")) == 1
    assert set(world.mapped().values()) == set(world.ods.resources(YEAR, "cohorts"))
    world.ods.reset_calls()
    assert world.publish().plan.calls == 0
    assert world.ods.calls == []


def test_a_row_that_the_next_snapshot_lacks_is_deleted_with_its_associations(world: EdfiWorld):
    campus = band()
    world.load(campus)
    world.publish()
    del campus.programs["1"]
    world.load(campus)
    assert failures(world.publish()) == {}
    assert world.cohorts() == {"Choir": None}
    assert len(world.ods.resources(YEAR, "studentCohortAssociations")) == 1
    assert world.ods.resources(YEAR, "staffCohortAssociations") == {}
    assert list(world.mapped()) == ["2"]


def test_a_header_alone_deletes_nothing(world: EdfiWorld):
    campus = band()
    world.load(campus)
    world.publish()
    with pytest.raises(Refused):
        world.load(Campus())
    assert world.publish().plan.calls == 0
    assert len(world.cohorts()) == 2


def test_a_missing_row_is_not_deleted_while_a_record_of_the_file_is_set_aside(world: EdfiWorld):
    campus = band()
    world.load(campus)
    world.publish()
    rows = campus.files()["programs.csv"].decode().splitlines()
    broken = rows[1].replace(str(YEAR), "next year")
    world.load(campus, programs="\n".join([rows[0], broken, rows[2], ""]).encode())
    publication = world.publish()
    assert publication.plan.calls == 0
    assert "1 of programs.csv" in str(publication.plan.remarks)
    assert len(world.cohorts()) == 2


def test_a_file_that_came_without_rows_deletes_nothing_even_on_the_only_day(world: EdfiWorld):
    campus = band()
    world.load(campus)
    world.publish()
    header = campus.files()["program_participation.csv"].splitlines()[0] + b"\n"
    for day in ("the same", "the next"):
        world.load(campus, again=day == "the same", program_participation=header)
        publication = world.publish()
        assert publication.plan.calls == 0
    assert len(world.ods.resources(YEAR, "studentCohortAssociations")) == 2


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ({"program_name": "B" * 37}, "its name is longer than the 36 characters that the data standard allows"),
        ({"program_name": None}, "its name is empty"),
        ({"program_name": "  "}, "its name is empty"),
        ({"district_number": "12-34"}, "its district number is not a whole number"),
        ({"district_number": None}, "its district number is not a whole number"),
        ({"district_number": "99"}, "its district number is not one of the org's in the registry"),
        ({"school_year": None}, "its school year is empty"),
    ],
)
def test_what_cannot_be_sent_is_reported_and_the_rest_is_sent(world: EdfiWorld, words: dict[str, object], reason: str):
    campus = band()
    campus.program("1", **words)
    world.reconcile(campus)
    publication = world.publish()
    assert [each.reason for each in publication.plan.remarks if each.campus_key == "1"] == [reason]
    assert list(world.cohorts()) == ["Choir"]
    assert len(world.ods.resources(YEAR, "studentCohortAssociations")) == 1


def test_the_identifier_may_be_as_long_as_the_standard_says(world: EdfiWorld):
    campus = Campus()
    campus.program("1", program_name="B" * 21)
    campus.program("2", program_name="B" * 20)
    world.reconcile(campus)
    register(world.settings, world.ods, standard="4.0")
    world.publish()
    assert list(world.cohorts()) == ["B" * 20]


def test_the_lower_program_owns_a_key_as_a_number(world: EdfiWorld):
    campus = Campus()
    campus.program("10", description="ten")
    campus.program("9", description="nine")
    world.reconcile(campus)
    publication = world.publish()
    assert world.cohorts() == {"Band": "nine"}
    assert [(each.campus_key, each.reason) for each in publication.plan.remarks] == [
        ("10", "another program has the same name and district, and the lower id")
    ]


def test_mapped_types_are_sent_where_the_ods_asks_for_them(world: EdfiWorld):
    campus = Campus(preferences={"Cohort": (None, "Attendance", True)})
    campus.program("1")
    world.reconcile(campus)
    register(world.settings, world.ods, cohort_type="mapped", descriptor_namespace="uri://state.example")
    world.publish()
    (cohort,) = world.ods.resources(YEAR, "cohorts").values()
    assert cohort["cohortTypeDescriptor"] == "uri://state.example/CohortTypeDescriptor#Attendance"


def test_each_school_year_goes_to_its_own_ods(world: EdfiWorld):
    campus = band()
    campus.program("3", program_name="Chess", school_year=YEAR + 1)
    world.reconcile(campus)
    world.publish()
    world.publish(year=YEAR + 1)
    assert (sorted(world.cohorts()), sorted(world.cohorts(YEAR + 1))) == (["Band", "Choir"], ["Chess"])


def test_a_resync_asks_before_it_deletes_much(world: EdfiWorld):
    campus = band()
    world.reconcile(campus)
    world.publish()
    del campus.programs["2"]
    world.reconcile(campus)
    with pytest.raises(TooManyDeletions, match="1 of 2 cohorts"):
        world.publish("resync")
    assert len(world.cohorts()) == 2
    world.publish("resync", yes=True)
    assert list(world.cohorts()) == ["Band"]


def test_a_dry_run_makes_no_writing_call(world: EdfiWorld):
    world.reconcile(band())
    for mode in ("change", "resync"):
        assert world.publish(mode, dry_run=True).plan.calls == 5
    assert world.ods.writes() == 0
    assert world.mapped() == {}
    assert world.query("select * from edfi.runs") == []


def test_a_refused_call_stops_nothing_else_and_is_recorded_until_it_succeeds(world: EdfiWorld):
    world.reconcile(band())
    world.ods.fault = lambda request: (
        Fault(status=400, body={"detail": "Band is no good"})
        if request.method == "POST" and request.resource == "cohorts" and request.payload["cohortIdentifier"] == "Band"
        else None
    )
    publication = world.publish()
    assert failures(publication) == {
        ("cohorts", "POST", 400): 1,
        ("studentCohortAssociations", "POST", None): 1,
        ("staffCohortAssociations", "POST", None): 1,
    }
    assert list(world.cohorts()) == ["Choir"]
    recorded = world.query(
        "select resource, verb, campus_key, status, message from edfi.failed_calls order by campus_key"
    )
    assert recorded[0] == ("cohorts", "POST", "1", 400, "Band is no good")
    world.ods.fault = None
    world.publish()
    assert sorted(world.cohorts()) == ["Band", "Choir"]
    assert world.query("select * from edfi.failed_calls") == []


def test_two_publications_of_an_org_do_not_run_at_once(world: EdfiWorld):
    with (
        closing(connect(world.settings)) as other,
        publishing(other, ORG, "https://elsewhere.example"),
        pytest.raises(EdreflectError, match="being published at this moment"),
    ):
        world.publish()
    assert world.publish().plan.calls == 0


def test_orgs_that_share_an_ods_wait_for_each_other(world: EdfiWorld):
    world.reconcile(band())
    with ThreadPoolExecutor(1) as executor:
        with closing(connect(world.settings)) as other, publishing(other, "another", world.ods.url):
            waiting = executor.submit(world.publish)
            while not world.query("select from pg_locks where locktype = 'advisory' and not granted"):
                assert not waiting.done()
            assert world.ods.calls == []
        assert failures(waiting.result()) == {}
    assert len(world.cohorts()) == 2


def test_a_resource_whose_key_somebody_changed_in_the_ods_changes_hands_with_its_key(world: EdfiWorld):
    campus = Campus()
    campus.program("1")
    world.reconcile(campus)
    world.publish()
    (ods_id,) = world.ods.resources(YEAR, "cohorts")
    world.query('update edfi.identity_map set natural_key = natural_key || \'{"cohortIdentifier": "Old"}\' returning 1')
    campus.program("2", program_name="Old")
    campus.programs["2"], campus.programs["1"] = campus.programs["1"], campus.programs["2"]
    world.reconcile(campus)
    world.publish("resync", yes=True)
    assert world.mapped()["2"] == ods_id
    assert world.publish("resync").plan.calls == 0


def test_data_tests_and_unit_tests_of_the_models_pass(world: EdfiWorld):
    world.reconcile(band())
    report = run_dbt(world.settings, ["test", "--select", "edfi"])
    assert report.failures == ()
    assert any("programs_become_cohorts_or_say_why_not" in node.unique_id for node in report.nodes)
