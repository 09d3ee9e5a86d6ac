"""Every row of the decision table of the contract (Infinite Campus programs -> Ed-Fi cohorts), as a test."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edreflect_assets.edfi.decisions import UNMAPPED, Found, Mapped, Mode, Plan, Side, Wanted, decide
from edreflect_assets.edfi.resources import COHORTS, RESOURCES, STAFF, STUDENTS, NaturalKey, Resource

BAND: NaturalKey = ("Band", 255901)
CHOIR: NaturalKey = ("Choir", 255901)
EMPTY = Side(enabled=True, wanted={}, mapped=())


def program(campus_key: str = "1", key: NaturalKey | None = BAND, *, words: str = "a", mapping: str = "m") -> Wanted:
    payload = {
        "cohortIdentifier": key[0] if key else None,
        "educationOrganizationReference": {"educationOrganizationId": key[1] if key else None},
        "cohortDescription": words,
        "cohortScopeDescriptor": mapping,
    }
    return Wanted(campus_key, key, payload, payload_hash=f"{key}{words}{mapping}", source_hash=words)


def unqualified(row: Wanted) -> Wanted:
    return replace(row, qualifies=False, reason="its category is not mapped")


def invalid(row: Wanted) -> Wanted:
    return replace(row, reason="its name is too long")


def sent(row: Wanted, ods_id: str = "o1", campus_key: str | None = None) -> Mapped:
    assert row.key is not None
    return Mapped(campus_key or row.campus_key, row.key, ods_id, row.payload_hash, row.source_hash)


def in_ods(row: Wanted, ods_id: str = "o1") -> Found:
    assert row.key is not None
    return Found(ods_id, row.key, {**row.payload, "id": ods_id, "_etag": "1"})


def student(campus_key: str, cohort: NaturalKey, person: str = "s1") -> Wanted:
    key = (*cohort, person, "2026-09-01")
    payload = {
        "cohortReference": {"cohortIdentifier": cohort[0], "educationOrganizationId": cohort[1]},
        "studentReference": {"studentUniqueId": person},
        "beginDate": "2026-09-01",
    }
    return Wanted(campus_key, key, payload, payload_hash=str(key), source_hash="open")


def plan(
    mode: Mode,
    *wanted: Wanted,
    mapped: tuple[Mapped, ...] = (),
    found: tuple[Found, ...] = (),
    enabled: bool = True,
    withheld: str | None = None,
    others: dict[Resource, Side] | None = None,
) -> Plan:
    sides = dict.fromkeys(RESOURCES, EMPTY)
    sides[COHORTS] = Side(enabled, {row.campus_key: row for row in wanted}, mapped, withheld=withheld)
    sides |= others or {}
    if mode == "resync":
        held = {each.ods_id: each for each in found}
        sides = {
            resource: side if side.found is not None else replace(side, found=held if resource is COHORTS else {})
            for resource, side in sides.items()
        }
    return decide(mode, sides)


def calls(found: Plan) -> list[tuple[str, str, NaturalKey]]:
    """The calls in their order: verb, resource, natural key."""
    gone = [("DELETE", each.resource.name, each.key) for each in found.deletions]
    return gone + [("PUT" if each.ods_id else "POST", each.resource.name, each.key) for each in found.writes]


BOTH = pytest.mark.parametrize("mode", ["change", "resync"])


@BOTH
def test_row_1_a_qualifying_program_is_posted(mode: Mode):
    assert calls(plan(mode, program())) == [("POST", "cohorts", BAND)]


@BOTH
def test_row_2_one_whose_key_the_ods_has_is_posted_too_which_gives_its_id(mode: Mode):
    assert calls(plan(mode, program(), found=(in_ods(program()),))) == [("POST", "cohorts", BAND)]


@BOTH
def test_row_3_nothing_is_done_for_the_same_payload(mode: Mode):
    found = plan(mode, program(), mapped=(sent(program()),), found=(in_ods(program()),))
    assert (calls(found), found.hand_over, found.forget, found.remarks) == ([], [], [], [])


def test_row_4_a_changed_category_or_description_is_put():
    changed = plan("change", program(words="b"), mapped=(sent(program()),))
    assert calls(changed) == [("PUT", "cohorts", BAND)]
    assert changed.writes[0].ods_id == "o1"


@BOTH
def test_row_5_another_name_or_district_deletes_associations_and_cohort_and_posts_both_again(mode: Mode):
    old, new = student("p1", BAND), student("p1", CHOIR)
    association = Side(True, {"p1": new}, (sent(old, "a1"),), {"a1": in_ods(old, "a1")} if mode == "resync" else None)
    found = plan(
        mode, program("1", CHOIR), mapped=(sent(program()),), found=(in_ods(program()),), others={STUDENTS: association}
    )
    assert calls(found) == [
        ("DELETE", "studentCohortAssociations", old.key),
        ("DELETE", "cohorts", BAND),
        ("POST", "cohorts", CHOIR),
        ("POST", "studentCohortAssociations", new.key),
    ]


@BOTH
def test_row_6_a_program_deleted_at_the_source_goes_with_its_associations(mode: Mode):
    left = student("p1", BAND)
    orphan = replace(left, key=None, reason="its program is not in programs.csv")
    association = Side(
        False, {"p1": orphan}, (sent(left, "a1"),), {"a1": in_ods(left, "a1")} if mode == "resync" else None
    )
    found = plan(
        mode, mapped=(sent(program()),), found=(in_ods(program()),), others={STAFF: EMPTY, STUDENTS: association}
    )
    assert calls(found) == [("DELETE", "studentCohortAssociations", left.key), ("DELETE", "cohorts", BAND)]


def test_row_7_a_deleted_program_that_the_ods_lacks_is_only_unmapped():
    found = plan("resync", mapped=(sent(program()),))
    assert not calls(found)
    assert found.forget == [(COHORTS, sent(program()))]


@pytest.mark.parametrize("enabled", [True, False])
def test_row_8_what_nobody_knows_is_deleted_by_a_resync_with_its_associations(enabled: bool):
    unknown = student("?", BAND)
    association = Side(enabled, {}, (), {"a1": in_ods(unknown, "a1")})
    found = plan("resync", found=(in_ods(program()),), enabled=enabled, others={STUDENTS: association})
    assert calls(found) == [("DELETE", "studentCohortAssociations", unknown.key), ("DELETE", "cohorts", BAND)]
    assert all(each.campus_key is None for each in found.deletions)
    assert not calls(plan("change", enabled=enabled))


def test_row_9_what_the_ods_lost_is_unmapped_and_posted_again_in_the_same_run():
    found = plan("resync", program(), mapped=(sent(program()),))
    assert found.forget == [(COHORTS, sent(program()))]
    assert calls(found) == [("POST", "cohorts", BAND)]
    off = plan("resync", program(), mapped=(sent(program()),), enabled=False)
    assert (calls(off), off.forget) == ([], [(COHORTS, sent(program()))])


@BOTH
def test_row_10_a_program_that_does_not_qualify_is_nothing(mode: Mode):
    found = plan(mode, unqualified(program()))
    assert (calls(found), found.remarks) == ([], [])


def test_row_11_one_that_no_longer_qualifies_stays_until_a_resync():
    change = plan("change", unqualified(program()), mapped=(sent(program()),))
    assert not calls(change)
    assert [(each.code, each.campus_key) for each in change.remarks] == [("kept", "1")]
    resync = plan("resync", unqualified(program()), mapped=(sent(program()),), found=(in_ods(program()),))
    assert calls(resync) == [("DELETE", "cohorts", BAND)]


def test_row_12_a_changed_mapping_waits_for_a_resync():
    change = plan("change", program(mapping="n"), mapped=(sent(program()),))
    assert not calls(change)
    assert [each.code for each in change.remarks] == ["waits_for_resync"]
    resync = plan("resync", program(mapping="n"), mapped=(sent(program()),), found=(in_ods(program()),))
    assert calls(resync) == [("PUT", "cohorts", BAND)]


@BOTH
@pytest.mark.parametrize("changed", [program(words="b"), program("1", CHOIR), program(), unqualified(program())])
def test_row_13_nothing_is_sent_of_a_resource_that_is_switched_off_and_what_was_sent_stays(mode: Mode, changed: Wanted):
    assert not calls(plan(mode, changed, mapped=(sent(program()),), found=(in_ods(program()),), enabled=False))
    assert not calls(plan(mode, changed, found=(in_ods(program()),) if changed.key == BAND else (), enabled=False))


def test_row_14_a_deletion_while_switched_off_waits_for_a_resync():
    assert not calls(plan("change", mapped=(sent(program()),), enabled=False))
    resync = plan("resync", mapped=(sent(program()),), found=(in_ods(program()),), enabled=False)
    assert calls(resync) == [("DELETE", "cohorts", BAND)]


@BOTH
def test_row_15_an_invalid_record_is_reported_and_not_called_for(mode: Mode):
    found = plan(mode, invalid(program()))
    assert not calls(found)
    assert [(each.code, each.reason) for each in found.remarks] == [("not_sendable", "its name is too long")]


@BOTH
def test_row_16_of_two_programs_with_one_key_the_owner_is_sent_and_takes_over_without_a_deletion(mode: Mode):
    owner, other = program("3"), invalid(program("5"))
    found = plan(mode, owner, other, mapped=(sent(program("5")),), found=(in_ods(program("5")),))
    assert not calls(found)
    assert found.hand_over == [(COHORTS, sent(program("5")), sent(program("3")))]
    assert [(each.code, each.campus_key) for each in found.remarks] == [("not_sendable", "5")]


@BOTH
def test_programs_that_swap_their_names_swap_their_resources(mode: Mode):
    first, second = program("1", CHOIR), program("2", BAND)
    before = (sent(program("1", BAND), "o1"), sent(program("2", CHOIR), "o2"))
    found = plan(
        mode, first, second, mapped=before, found=(in_ods(program("1", BAND)), in_ods(program("2", CHOIR), "o2"))
    )
    assert not calls(found)
    assert {(owned.campus_key, owned.ods_id) for _, _, owned in found.hand_over} == {("1", "o2"), ("2", "o1")}


def test_a_resync_mends_what_somebody_changed_in_the_ods():
    drifted = Found("o1", BAND, {**program(words="theirs").payload, "id": "o1"})
    assert calls(plan("resync", program(), mapped=(sent(program()),), found=(drifted,))) == [("PUT", "cohorts", BAND)]


def test_a_resource_whose_key_was_changed_in_the_ods_is_deleted_and_posted_again():
    moved = Found("o1", CHOIR, {**program("1", CHOIR).payload, "id": "o1"})
    found = plan("resync", program(), mapped=(sent(program()),), found=(moved,))
    assert calls(found) == [("DELETE", "cohorts", CHOIR), ("POST", "cohorts", BAND)]


@BOTH
def test_nothing_counts_as_deleted_where_records_were_set_aside(mode: Mode):
    unknown = [in_ods(program("9", (name, 255901)), name) for name in ("Choir", "Chess")]
    found = plan(
        mode, mapped=(sent(program()),), found=(in_ods(program()), *unknown), withheld="a record was set aside"
    )
    assert not calls(found)
    remarks = [("withheld", "1", 1), ("withheld", UNMAPPED, 2)]
    assert [(each.code, each.campus_key, each.records) for each in found.remarks] == (
        remarks if mode == "resync" else remarks[:1]
    )


@BOTH
def test_what_is_written_comes_in_the_order_of_the_resources(mode: Mode):
    associations = {
        resource: Side(True, {key: student(key, BAND, key) for key in ("1", "2")}, ()) for resource in (STAFF, STUDENTS)
    }
    written = plan(mode, program(), others=associations).writes
    assert [each.resource for each in written] == [COHORTS, STUDENTS, STUDENTS, STAFF, STAFF]


@BOTH
def test_an_association_is_not_sent_before_its_cohort_is(mode: Mode):
    others = {STUDENTS: Side(True, {"p1": student("p1", BAND)}, ())}
    found = plan(mode, program(), enabled=False, others=others)
    assert not calls(found)
    assert [each.code for each in found.remarks] == ["cohort_missing"]
    there = plan(mode, program(), mapped=(sent(program()),), found=(in_ods(program()),), enabled=False, others=others)
    assert calls(there) == [("POST", "studentCohortAssociations", student("p1", BAND).key)]


def test_a_record_that_says_the_same_in_other_words_is_only_noted():
    row = replace(program(), source_hash="other words")
    found = plan("change", row, mapped=(sent(program()),))
    assert not calls(found)
    assert [owned.source_hash for _, _, owned in found.hand_over] == ["other words"]
