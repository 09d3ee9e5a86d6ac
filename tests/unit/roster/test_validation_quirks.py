"""What rosters in the wild look like: each quirk, and all that is to be said of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from edreflect_assets.roster.verdict import PackageVerdict
from tests.unit.roster.rosters import CHANGED, Roster

ENROLLMENTS, USERS, CLASSES, ORGS = "enrollments.csv", "users.csv", "classes.csv", "orgs.csv"
COURSES, MANIFEST = "courses.csv", "manifest.csv"


def found(verdict: PackageVerdict) -> list[tuple[str, str, int | None, str | None]]:
    return [(f.code, f.file, f.line, f.column) for f in verdict.findings()]


def rejected(verdict: PackageVerdict, file: str) -> dict[int, tuple[int, str, str | None]]:
    return {n: (r.line, r.code, r.record_key) for n, r in verdict.files[file].rejected.items()}


def test_a_byte_order_mark_and_crlf_are_read_through(tmp_path: Path) -> None:
    roster = Roster()
    roster.replace(USERS, b"\xef\xbb\xbf" + roster.text(USERS).replace(b"\n", b"\r\n"))
    assert found(roster.judged(tmp_path)) == [("OR110", USERS, 1, None)]


def test_a_file_in_shift_jis_is_refused_by_the_name_of_its_encoding(tmp_path: Path) -> None:
    roster = Roster()
    roster.set(USERS, 2, "familyName", "山田").set(USERS, 2, "givenName", "太郎カナ")
    roster.set(USERS, 3, "familyName", "佐藤").set(USERS, 4, "familyName", "鈴木")
    roster.set(USERS, 3, "givenName", "花子").set(USERS, 4, "givenName", "次郎")
    roster.replace(USERS, roster.text(USERS).decode().encode("cp932"))
    verdict = roster.judged(tmp_path)
    (refusal,) = verdict.refusals
    assert (refusal.code, refusal.file) == ("OR100", USERS)
    assert "Shift-JIS (cp932)" in refusal.text


@pytest.mark.parametrize(
    ("encoding", "named"),
    [("utf-16", "UTF-16"), ("utf-16-le", "UTF-16"), ("utf-16-be", "UTF-16"), ("utf-32", "UTF-32")],
)
def test_wide_encodings_are_refused_by_name(encoding: str, named: str, tmp_path: Path) -> None:
    roster = Roster()
    roster.replace(ORGS, roster.text(ORGS).decode().encode(encoding))
    (refusal,) = roster.judged(tmp_path).refusals
    assert refusal.code == "OR100"
    assert named in refusal.text


def test_a_file_with_accents_in_windows_1252_is_refused_once_most_of_it_is(tmp_path: Path) -> None:
    roster = Roster().cut(ORGS, 1)
    for n in range(30):
        roster.tables[ORGS].append([f"s{n}", "", "", f"École {n}" if n < 15 else "North", "school", "", ""])
    roster.replace(ORGS, roster.text(ORGS).decode().encode("cp1252"))
    refusal = roster.judged(tmp_path).refusals[0]
    assert refusal.code == "OR100"
    assert "Windows-1252" in refusal.text


def test_one_record_in_another_encoding_is_set_aside_by_itself(tmp_path: Path) -> None:
    roster = Roster()
    roster.insert(ORGS, 3, "s9,,,École,school,,\n".encode("cp1252"))
    verdict = roster.judged(tmp_path)
    assert verdict.refusals == ()
    assert rejected(verdict, ORGS) == {2: (3, "OR202", "s9")}


@pytest.mark.parametrize(("word", "code"), [("TRUE", "OR312"), ("True", "OR312"), ("yes", "OR312"), ("1", "OR312")])
def test_other_words_for_true_are_accepted(word: str, code: str, tmp_path: Path) -> None:
    verdict = Roster().set(ENROLLMENTS, 2, "primary", word).judged(tmp_path)
    assert found(verdict) == [(code, ENROLLMENTS, 2, "primary")]
    assert verdict.errors == 0


def test_scheduled_with_a_capital_is_accepted(tmp_path: Path) -> None:
    verdict = Roster().set(CLASSES, 2, "classType", "Scheduled").judged(tmp_path)
    assert found(verdict) == [("OR310", CLASSES, 2, "classType")]


def test_to_be_deleted_in_camel_case_ends_a_record_of_a_delta(tmp_path: Path) -> None:
    verdict = Roster().as_delta(ENROLLMENTS).set(ENROLLMENTS, 3, "status", "toBeDeleted").judged(tmp_path)
    assert found(verdict) == [("OR310", ENROLLMENTS, 3, "status")]
    assert verdict.files[ENROLLMENTS].mode == "delta"


def test_inactive_is_accepted_in_a_delta_and_ignored_in_a_full_list(tmp_path: Path) -> None:
    delta = Roster().as_delta(ORGS, "inactive").judged(tmp_path)
    assert [finding[0] for finding in found(delta)] == ["OR311", "OR311", "OR311"]
    bulk = Roster().set(ORGS, 2, "status", "inactive").judged(tmp_path)
    assert found(bulk) == [("OR321", ORGS, None, "status")]


@pytest.mark.parametrize(
    "day", ["2017/4/1", "8/27/2018", "2017-4-1", "20170401", " 2017-04-01", "2017-04-01T00:00:00Z"]
)
def test_days_in_other_orders_are_set_aside(day: str, tmp_path: Path) -> None:
    verdict = Roster().set(ENROLLMENTS, 3, "beginDate", day).judged(tmp_path)
    assert rejected(verdict, ENROLLMENTS) == {2: (3, "OR303", "e2")}


def test_ragged_rows_are_set_aside_one_by_one(tmp_path: Path) -> None:
    roster = Roster()
    roster.insert(ENROLLMENTS, 3, b"e8,,,k1,s1,u2,student,false,,,extra\n").insert(ENROLLMENTS, 5, b"e9,,,k1\n")
    verdict = roster.judged(tmp_path)
    assert rejected(verdict, ENROLLMENTS) == {2: (3, "OR200", "e8"), 4: (5, "OR200", "e9")}
    assert verdict.files[ENROLLMENTS].records == 5


def test_trailing_columns_without_a_name_are_dropped(tmp_path: Path) -> None:
    verdict = Roster().add_column(ORGS, "").add_column(ORGS, "").judged(tmp_path)
    assert found(verdict) == [("OR114", ORGS, 1, None)]


def test_a_misspelt_header_is_refused_with_the_name_that_is_meant(tmp_path: Path) -> None:
    (refusal,) = Roster().rename(ENROLLMENTS, "classSourcedId", "classSourceId").judged(tmp_path).refusals
    assert (refusal.code, refusal.file, refusal.line) == ("OR103", ENROLLMENTS, 1)
    assert refusal.text.endswith("classSourcedId; it spells classSourceId for classSourcedId.")


def test_a_misspelt_optional_header_is_asked_about(tmp_path: Path) -> None:
    verdict = Roster().rename(USERS, "agentSourcedIds", "agentSourceIds").judged(tmp_path)
    (finding,) = verdict.findings()
    assert finding.code == "OR112"
    assert "Is agentSourcedIds meant?" in finding.text


def test_a_header_only_full_list_is_refused_and_a_header_only_delta_is_not(tmp_path: Path) -> None:
    assert [f.code for f in Roster().cut(USERS, 1).judged(tmp_path).refusals] == ["OR042"]
    verdict = Roster().cut(USERS, 1).say(USERS, "delta").judged(tmp_path)
    assert verdict.refusals == ()
    assert (verdict.files[USERS].mode, verdict.files[USERS].records) == ("delta", 0)


def test_rows_that_are_changes_beat_a_manifest_that_says_bulk(tmp_path: Path) -> None:
    verdict = Roster().as_delta(USERS).say(USERS, "bulk").judged(tmp_path)
    assert verdict.files[USERS].mode == "delta"
    assert found(verdict) == [("OR040", USERS, None, None)]


def test_a_manifest_that_says_delta_never_lets_a_file_be_read_as_bulk(tmp_path: Path) -> None:
    verdict = Roster().say(USERS, "delta").judged(tmp_path)
    assert [f.code for f in verdict.refusals] == ["OR041"]
    verdict = Roster().as_delta(USERS).set(USERS, 3, "dateLastModified", "").judged(tmp_path)
    assert verdict.files[USERS].mode == "delta"
    assert rejected(verdict, USERS) == {2: (3, "OR320", "u2")}


def test_a_delta_without_a_manifest_is_told_by_its_rows(tmp_path: Path) -> None:
    verdict = Roster().as_delta(USERS).only(USERS).judged(tmp_path)
    assert verdict.files[USERS].mode == "delta"


def test_a_manifest_alone_means_no_updates(tmp_path: Path) -> None:
    roster = Roster()
    for file in [file for file in roster.tables if file != MANIFEST]:
        roster.drop(file)
    verdict = roster.judged(tmp_path)
    assert verdict.no_updates
    assert found(verdict) == []
    assert list(verdict.files) == [MANIFEST]


def test_microsofts_layout_is_refused_whole(tmp_path: Path) -> None:
    roster = Roster()
    roster.only()
    roster.replace(ORGS, b"sourcedId,name,type,parentSourcedId\n1,North,school,\n")
    roster.replace(
        USERS, b"sourcedId,orgSourcedIds,username,givenName,familyName,role,grade\n1,1,a,Ann,Lee,student,9\n"
    )
    roster.replace(CLASSES, b"sourcedId,orgSourcedId,title,sessionSourcedIds,courseSourcedId\n1,1,Algebra,,\n")
    roster.replace(ENROLLMENTS, b"classSourcedId,userSourcedId,role\n1,1,student\n")
    refusals = roster.judged(tmp_path).refusals
    assert [(f.code, f.file) for f in refusals] == [("OR103", CLASSES), ("OR103", ENROLLMENTS), ("OR103", USERS)]
    assert "sourcedId, schoolSourcedId" in refusals[1].text


def test_extensions_and_columns_of_1_2_are_no_finding(tmp_path: Path) -> None:
    roster = Roster().as_1_2()
    for name in ("userMasterIdentifier", "pronouns", "primaryOrgSourcedId", "metadata.hair", "metadata.Homeroom"):
        roster.add_column(USERS, name)
    assert found(roster.judged(tmp_path)) == []


def test_1_2_is_told_by_its_files_too(tmp_path: Path) -> None:
    assert Roster().as_1_2().declare("oneroster.version", "").judged(tmp_path).version == "1.2"
    assert Roster().drop_column(USERS, "role", "orgSourcedIds").only(USERS).judged(tmp_path).version == "1.2"


def test_a_manifest_of_1_1_over_users_without_roles_is_refused(tmp_path: Path) -> None:
    verdict = Roster().drop_column(USERS, "role", "orgSourcedIds").judged(tmp_path)
    assert [(f.code, f.file) for f in verdict.refusals] == [("OR103", USERS)]


def test_ids_that_are_uuids_are_the_same_in_any_case(tmp_path: Path) -> None:
    upper = "3F2504E0-4F89-11D3-9A0C-0305E82C3301"
    roster = Roster().set(USERS, 3, "sourcedId", upper)
    for line in (3, 4):
        roster.set(ENROLLMENTS, line, "userSourcedId", upper.lower())
    roster.set(USERS, 4, "agentSourcedIds", upper.lower())
    assert found(roster.judged(tmp_path)) == []
    verdict = roster.repeat(USERS, 3, sourcedId=upper.lower()).judged(tmp_path)
    assert rejected(verdict, USERS) == {2: (3, "OR400", upper)}


def test_of_a_repeated_id_the_last_line_stands(tmp_path: Path) -> None:
    verdict = Roster().repeat(ORGS, 3).repeat(ORGS, 3).judged(tmp_path)
    assert rejected(verdict, ORGS) == {2: (3, "OR400", "s1"), 4: (5, "OR400", "s1")}


def test_references_of_changes_and_to_changes_are_left_to_the_build(tmp_path: Path) -> None:
    roster = Roster().as_delta(ENROLLMENTS).set(ENROLLMENTS, 3, "userSourcedId", "u9")
    assert found(roster.judged(tmp_path)) == []
    roster = Roster().as_delta(USERS).set(ENROLLMENTS, 3, "userSourcedId", "u9")
    assert found(roster.judged(tmp_path)) == []


def test_a_record_that_cannot_be_read_is_there_for_references(tmp_path: Path) -> None:
    roster = Roster().set(ENROLLMENTS, 3, "userSourcedId", "u9").insert(USERS, 3, b"u9,,,true\n")
    assert found(roster.judged(tmp_path)) == [("OR200", USERS, 3, None)]


def test_primary_teachers_one_after_the_other_are_fine(tmp_path: Path) -> None:
    roster = Roster().set(ENROLLMENTS, 2, "endDate", "2026-01-01")
    roster.repeat(ENROLLMENTS, 2, sourcedId="e9", userSourcedId="u3", beginDate="2026-01-01", endDate="")
    assert found(roster.judged(tmp_path)) == []


def test_the_first_rule_that_a_record_breaks_is_its_reason(tmp_path: Path) -> None:
    roster = Roster().set(ENROLLMENTS, 3, "beginDate", "soon").set(ENROLLMENTS, 3, "role", "")
    verdict = roster.judged(tmp_path)
    assert [f[0] for f in found(verdict)] == ["OR300", "OR303"]
    rejection = verdict.files[ENROLLMENTS].rejected[2]
    assert (rejection.code, rejection.column, rejection.record_key) == ("OR300", "role", "e2")


def test_lines_are_those_of_the_file_after_fields_with_line_breaks(tmp_path: Path) -> None:
    roster = Roster().set(USERS, 2, "givenName", "Ann\nMary\nSue").set(USERS, 3, "enabledUser", "?")
    verdict = roster.judged(tmp_path)
    assert found(verdict) == [("OR313", USERS, 2, "givenName"), ("OR306", USERS, 5, "enabledUser")]
    assert rejected(verdict, USERS) == {2: (5, "OR306", "u2")}


def test_a_refused_file_does_not_keep_the_others_from_being_judged(tmp_path: Path) -> None:
    roster = Roster().drop_column(COURSES, "title").set(USERS, 3, "enabledUser", "?").set(USERS, 2, "status", CHANGED)
    assert [f[0] for f in found(roster.judged(tmp_path))] == ["OR103", "OR321", "OR306"]


def test_a_file_separated_by_semicolons_is_told_so(tmp_path: Path) -> None:
    roster = Roster()
    roster.replace(COURSES, roster.text(COURSES).replace(b",", b";"))
    (refusal,) = roster.judged(tmp_path).refusals
    assert refusal.code == "OR103"
    assert refusal.text.endswith("its columns are not separated by commas.")


def test_a_header_that_ends_inside_a_character_is_not_utf_8(tmp_path: Path) -> None:
    roster = Roster()
    roster.replace(COURSES, roster.text(COURSES).replace(b"\n", b",\xe9\n", 1))
    assert [f.code for f in roster.judged(tmp_path).refusals] == ["OR100"]


def test_a_delta_may_hold_nothing_but_endings(tmp_path: Path) -> None:
    verdict = Roster().as_delta(ENROLLMENTS, "tobedeleted").judged(tmp_path)
    assert found(verdict) == []


def test_a_time_that_cannot_be_read_is_ignored_in_a_full_list(tmp_path: Path) -> None:
    verdict = Roster().set(USERS, 2, "dateLastModified", "yesterday").judged(tmp_path)
    assert found(verdict) == [("OR321", USERS, None, "dateLastModified")]


def test_what_a_record_says_while_it_ends_is_not_judged(tmp_path: Path) -> None:
    roster = Roster().repeat(ENROLLMENTS, 2, sourcedId="e9", userSourcedId="u3").as_delta(ENROLLMENTS)
    roster.set(ENROLLMENTS, 2, "status", "tobedeleted").set(ENROLLMENTS, 2, "endDate", "2025-01-01")
    roster.as_delta(USERS).set(USERS, 3, "status", "tobedeleted").set(USERS, 3, "grades", "")
    assert found(roster.judged(tmp_path)) == []


def test_a_report_does_not_grow_with_the_ways_in_which_records_are_broken(tmp_path: Path) -> None:
    roster = Roster()
    roster.replace(ORGS, roster.text(ORGS) + b"".join(b"x" + b"," * n + b"\n" for n in range(10, 200)))
    verdict = roster.judged(tmp_path)
    assert verdict.errors == 190
    assert len(verdict.by_code()) <= 22


def test_a_manifest_with_its_columns_the_other_way_round_says_the_same(tmp_path: Path) -> None:
    roster = Roster().as_delta(USERS)
    roster.tables[MANIFEST] = [row[::-1] for row in roster.tables[MANIFEST]]
    assert found(roster.judged(tmp_path)) == [("OR113", MANIFEST, 1, None)]
