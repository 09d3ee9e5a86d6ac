"""The rules of the EdReflect contract, one small example each; each example is an org of its own, all built together.

``first`` is loaded before the first build, ``then`` before the second: what must undo itself is in ``then``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from psycopg2.extensions import connection as Connection  # noqa: N812

from edreflect_assets.database import connect
from edreflect_assets.settings import Settings
from tests.model import database
from tests.model.log import Delivery, Log
from tests.model.rules import RULES, TABLES
from tests.model.state import state

D1, D2, D3, D4 = (date(2026, 3, day) for day in (2, 3, 4, 5))
Days = Mapping[date | None, Mapping[str, str]]
Rows = Callable[..., list[tuple[Any, ...]]]
EXAMPLES: list[Example] = []


@dataclass(frozen=True)
class Example:
    """One org's deliveries, before the first build and before the second."""

    org: str
    first: tuple[Delivery, ...]
    then: tuple[Delivery, ...]


def example(org: str, *first: Days, then: tuple[Days, ...] = ()) -> Example:
    """Register an org; deliveries are loaded in the order in which they are written, ``.csv`` is added to file names."""

    def deliveries(parts: tuple[Days, ...]) -> tuple[Delivery, ...]:
        return tuple(
            Delivery(org, day, {f"{name}.csv": text.encode() for name, text in files.items()})
            for part in parts
            for day, files in part.items()
        )

    made = Example(org, deliveries(first), deliveries(then))
    EXAMPLES.append(made)
    return made


@pytest.fixture(scope="module")
def built(
    postgres_server: Settings, template_database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Settings]:
    home = tmp_path_factory.mktemp("rules")
    with database.fresh_database(postgres_server, template_database, home) as settings:
        for phase in ("first", "then"):
            with closing(connect(settings)) as connection:
                for each in EXAMPLES:
                    for delivery in getattr(each, phase):
                        database.load(connection, settings, delivery)
            database.build_reconciled(settings, first=phase == "first")
        yield settings


@pytest.fixture
def ledger(built: Settings) -> Iterator[Connection]:
    with closing(connect(built)) as connection:
        yield connection


@pytest.fixture
def rows(ledger: Connection) -> Rows:
    """A function that returns an example's rows of a table, the named columns only, in a fixed order."""

    def of(case: Example, table: str, columns: str, as_of: date | None = None) -> list[tuple[Any, ...]]:
        found = database.rows(ledger, table, as_of).get(case.org, {})
        positions = [database.columns(table).index(column) for column in columns.split()]
        picked = [tuple(row[at] for at in positions) for row, times in found.items() for _ in range(times)]
        return sorted(picked, key=repr)

    return of


def test_every_example_equals_the_model_in_every_table(ledger: Connection):
    for table in TABLES:
        stored = database.rows(ledger, table)
        for case in EXAMPLES:
            log = Log([*case.first, *case.then])
            assert stored.get(case.org, {}) == state(log, case.org, table), (case.org, table)


def test_a_reconciled_table_has_the_columns_of_its_contract_and_says_where_a_row_is_from(ledger: Connection):
    with ledger.cursor() as cursor:
        cursor.execute(
            "select table_name, array_agg(column_name::text order by ordinal_position) from information_schema.columns"
            " where table_schema = 'edreflect' and table_name = any (%s) group by table_name",
            (list(TABLES),),
        )
        provenance = ["_day", "_source", "_unmapped"]
        assert dict(cursor.fetchall()) == {
            table: [*database.columns(table), *([] if table == "id_map" else provenance)] for table in TABLES
        }


def test_reference_files_have_no_reconciled_table(ledger: Connection):
    with ledger.cursor() as cursor:
        for rule in RULES.values():
            cursor.execute("select to_regclass(%s)", (f"edreflect.{rule.table}",))
            (found,) = cursor.fetchone() or (None,)
            assert (found is None) == (rule.load in {"reference", "id_map"}), rule.table


# upserts ----------------------------------------------------------------------------------------------

later_line = example("later-line", {D1: {"Rubrics": "rubric_id,rubric_name\nr1,old\nr2,other\nr1,new\n"}})


def test_of_two_rows_with_one_key_in_a_file_the_later_line_wins(rows: Rows):
    assert rows(later_line, "rubrics", "rubric_id rubric_name") == [("r1", "new"), ("r2", "other")]


late_day = example(
    "late-day",
    {D2: {"Rubrics": "rubric_id,rubric_name\nr1,second\n"}},
    then=({D1: {"Rubrics": "rubric_id,rubric_name\nr1,first\nr2,first\n"}},),
)


def test_an_older_day_that_comes_late_does_not_replace_a_newer_one(rows: Rows):
    assert rows(late_day, "rubrics", "rubric_id rubric_name") == [("r1", "second"), ("r2", "first")]


whole_row = example(
    "whole-row",
    {D1: {"Rubrics": "rubric_id,rubric_name,rubric_type\nr1,name,type\n"}},
    {D2: {"Rubrics": "rubric_id,rubric_name\nr1,renamed\n"}},
)


def test_an_upsert_replaces_the_whole_row_so_a_column_the_file_lacks_becomes_null(rows: Rows):
    assert rows(whole_row, "rubrics", "rubric_id rubric_name rubric_type") == [("r1", "renamed", None)]


null_keys = example(
    "null-keys",
    {D1: {"Goals_Indicators": 'goal_id,indicator_id,rubric_id\ng1,,a\n,i1,b\n"","",c\n'}},
    {D2: {"Goals_Indicators": "goal_id,indicator_id,rubric_id\ng1,,A\n,,C\n"}},
)


def test_a_null_key_part_equals_null_and_is_a_key_like_any_other(rows: Rows):
    expected = [(None, "i1", "b"), (None, None, "C"), ("g1", None, "A")]
    assert rows(null_keys, "goals_indicators", "goal_id indicator_id rubric_id") == sorted(expected, key=repr)


uncast_upsert = example(
    "uncast-upsert",
    {D1: {"Rubrics": "rubric_id,rubric_name,school_year\nr1,kept,2026\n"}},
    {D2: {"Rubrics": "rubric_id,rubric_name,school_year\nr1,lost,now\nr2,kept,2026\nr2,lost,0x1F\n"}},
)


def test_a_row_with_a_value_that_does_not_cast_neither_inserts_nor_replaces(rows: Rows):
    assert rows(uncast_upsert, "rubrics", "rubric_id rubric_name") == [("r1", "kept"), ("r2", "kept")]


def test_a_row_that_does_not_cast_is_set_aside_with_its_line_and_column(ledger: Connection):
    with ledger.cursor() as cursor:
        cursor.execute(
            "select loads.rows, loads.uncast, quarantine.line, quarantine.column_name from ops.loads"
            " join ops.quarantine using (load_id) where org_id = %s order by quarantine.line",
            (uncast_upsert.org,),
        )
        assert cursor.fetchall() == [(3, 2, 2, "school_year"), (3, 2, 4, "school_year")]


# lists ------------------------------------------------------------------------------------------------

duplicates = example("duplicates", {D1: {"User_Grades": "employee_id,grade\ne1,5\ne1,5\ne1,6\n"}})


def test_lists_are_kept_as_they_come_duplicates_included(rows: Rows):
    assert rows(duplicates, "user_grades", "employee_id grade") == [("e1", "5"), ("e1", "5"), ("e1", "6")]


named_without_rows = example(
    "named-without-rows",
    {D1: {"User_Grades": "employee_id,grade\ne1,5\ne2,5\n", "User_Subjects": "employee_id,subject\ne1,art\n"}},
    {D2: {"User_Modified": "employee_id\ne1\n", "User_Grades": "employee_id,grade\n"}},
)


def test_a_named_key_without_rows_ends_with_no_rows(rows: Rows):
    assert rows(named_without_rows, "user_grades", "employee_id grade") == [("e2", "5")]


def test_a_missing_dependent_file_counts_as_one_with_no_rows_for_the_named_keys(rows: Rows):
    assert rows(named_without_rows, "user_subjects", "employee_id subject") == []


def test_as_of_the_day_before_the_list_is_still_there(rows: Rows):
    assert rows(named_without_rows, "user_subjects", "employee_id subject", D1) == [("e1", "art")]


own_touch = example(
    "own-touch",
    {D1: {"User_Grades": "employee_id,grade\ne1,5\ne1,6\n"}},
    {D2: {"User_Grades": "employee_id,grade\ne1,7\n"}},
)


def test_a_file_touches_the_keys_it_holds_though_no_reference_names_them(rows: Rows):
    assert rows(own_touch, "user_grades", "employee_id grade") == [("e1", "7")]


header_only = example(
    "header-only",
    {D1: {"User_Grades": "employee_id,grade\ne1,5\n"}},
    {D2: {"User_Grades": "employee_id,grade\n", "User_Modified": "employee_id\n"}},
)


def test_a_header_only_file_touches_nothing(rows: Rows):
    assert rows(header_only, "user_grades", "employee_id grade") == [("e1", "5")]


null_named = example(
    "null-named",
    {D1: {"User_Grades": "employee_id,grade\n,5\ne1,5\n"}},
    {D2: {"User_Modified": "employee_id,user_modified_date\n,2026-03-03T00:00:00Z\n"}},
)


def test_a_null_in_a_reference_file_names_the_list_of_the_null_key(rows: Rows):
    assert rows(null_named, "user_grades", "employee_id grade") == [("e1", "5")]


uncast_reference = example(
    "uncast-reference",
    {D1: {"User_Grades": "employee_id,grade\ne1,5\n"}},
    {D2: {"User_Modified": "employee_id,user_modified_date\ne1,yesterday\n"}},
)


def test_a_reference_row_names_its_key_even_when_its_date_does_not_cast(rows: Rows):
    assert rows(uncast_reference, "user_grades", "employee_id grade") == []


uncast_rubric = example(
    "uncast-rubric",
    {D1: {"Rubrics": "rubric_id,is_active\nr1,true\n", "Indicators": "rubric_id,indicator_id\nr1,i1\n"}},
    {D2: {"Rubrics": "rubric_id,is_active\nr1,maybe\n", "Indicators": "rubric_id,indicator_id\nr1,i2\n"}},
    {D3: {"Rubrics": "rubric_id,is_active\nr1,perhaps\n"}},
)


def test_a_rubric_that_does_not_cast_names_its_indicators_but_is_no_upsert(rows: Rows):
    assert rows(uncast_rubric, "indicators", "indicator_id", D2) == [("i2",)]
    assert rows(uncast_rubric, "indicators", "indicator_id") == []
    assert rows(uncast_rubric, "rubrics", "rubric_id is_active") == [("r1", True)]


uncast_item = example(
    "uncast-item",
    {D1: {"Trending_Ratings": "trending_id,indicator_id,rating_count\nt1,i1,1\nt2,i1,1\n"}},
    {D2: {"Trending_Ratings": "trending_id,indicator_id,rating_count\nt1,i2,Infinity\nt2,i2,NaN\nt2,i3,2\n"}},
)


def test_an_item_that_does_not_cast_is_neither_in_the_list_nor_touches_it(rows: Rows):
    expected = [("t1", "i1", 1), ("t2", "i3", 2)]
    assert rows(uncast_item, "trending_ratings", "trending_id indicator_id rating_count") == expected


flagged = example(
    "flagged",
    {
        D1: {
            "Observations": "observation_group_id,observation_is_deleted\no1,false\n",
            "Ratings": "observation_group_id,rating_id\no1,x\n",
        }
    },
    {D2: {"Observations": "observation_group_id,observation_is_deleted\no1,true\n"}},
)


def test_observation_is_deleted_is_a_flag_and_drops_nothing(rows: Rows):
    assert rows(flagged, "observations", "observation_group_id observation_is_deleted") == [("o1", True)]
    assert rows(flagged, "ratings", "rating_id") == [("x",)]


# versions of one file -----------------------------------------------------------------------------------

absent_from_correction = example(
    "absent-from-correction",
    {D1: {"Rubrics": "rubric_id,rubric_name\nr1,one\n", "User_Grades": "employee_id,grade\ne1,1\n"}},
    {
        D2: {
            "Rubrics": "rubric_id,rubric_name\nr1,two\nr2,two\n",
            "User_Modified": "employee_id\ne1\ne2\n",
            "User_Grades": "employee_id,grade\ne2,2\n",
        }
    },
    then=(
        {
            D2: {
                "Rubrics": "rubric_id,rubric_name\nr3,two\n",
                "User_Modified": "employee_id\ne3\n",
                "User_Grades": "employee_id,grade\n",
            }
        },
    ),
)


def test_keys_of_a_superseded_day_that_its_correction_lacks_fall_back_to_the_day_before(rows: Rows):
    assert rows(absent_from_correction, "rubrics", "rubric_id rubric_name") == [("r1", "one"), ("r3", "two")]
    assert rows(absent_from_correction, "user_grades", "employee_id grade") == [("e1", "1")]


per_file = example(
    "per-file",
    {D1: {"Rubrics": "rubric_id\nr1\n", "Slos": "slo_id\ns1\n"}},
    then=({D1: {"Slos": "slo_id\ns2\n"}},),
)


def test_a_file_absent_from_a_second_delivery_keeps_its_current_load(rows: Rows):
    assert rows(per_file, "rubrics", "rubric_id") == [("r1",)]
    assert rows(per_file, "slos", "slo_id") == [("s2",)]


older_bytes = example(
    "older-bytes",
    {D1: {"Slos": "slo_id,slo_title\ns1,a\n"}},
    {D1: {"Slos": "slo_id,slo_title\ns1,b\n"}},
    then=({D1: {"Slos": "slo_id,slo_title\ns1,a\n"}}, {D1: {"Slos": "slo_id,slo_title\ns1,a\n"}}),
)


def test_older_bytes_delivered_again_supersede_again_and_the_current_ones_do_not(rows: Rows, ledger: Connection):
    assert rows(older_bytes, "slos", "slo_title") == [("a",)]
    assert _statuses(ledger, older_bytes) == ["superseded", "superseded", "current"]


other_case = example("other-case", {D1: {"SLOS": "slo_id\ns1\n"}}, then=({D1: {"slos": "SLO_ID , Surprise\ns2,x\n"}},))


def test_names_of_files_and_columns_match_ignoring_case_and_an_unknown_column_stays_in_raw(
    rows: Rows, ledger: Connection
):
    assert rows(other_case, "slos", "slo_id") == [("s2",)]
    assert _statuses(ledger, other_case) == ["superseded", "current"]


refused = example(
    "refused",
    {D1: {"Rubrics": "rubric_id\nr1\n", "Slos": "slo_id\ns1\n"}},
    then=({D1: {"Rubrics": "rubric_id\nr2\n", "Slos": ""}}, {D2: {"Rubrics": "rubric_name\nno key\n"}}),
)


def test_one_refused_file_refuses_the_delivery_and_what_was_current_stays(rows: Rows):
    assert rows(refused, "rubrics", "rubric_id") == [("r1",)]
    assert rows(refused, "slos", "slo_id") == [("s1",)]


unlisted = example("unlisted", {D1: {"Observation_Survey": "a\n1\n", "Read_Me": "x\n", "Slos": "slo_id\ns1\n"}})


def test_deprecated_and_unlisted_files_are_reported_and_never_loaded(rows: Rows, ledger: Connection):
    assert rows(unlisted, "slos", "slo_id") == [("s1",)]
    assert sorted(_statuses(ledger, unlisted)) == ["current", "deprecated", "unlisted"]


# goals ------------------------------------------------------------------------------------------------


def goal_files(goal: str, text: str) -> dict[str, str]:
    return {
        "Goals": f"goal_id,goal_title\n{goal},{text}\n",
        "Goals_Indicators": f"goal_id,indicator_id,rubric_id\n{goal},i1,{text}\n",
        "Goal_Posts": f"goal_id,post_id,post_text\n{goal},p1,{text}\n",
        "Goals_Questions": f"goal_id,question_id,answer_text\n{goal},q1,{text}\n",
    }


GOAL_TEXTS = {
    "goals": "goal_title",
    "goals_indicators": "rubric_id",
    "goal_posts": "post_text",
    "goals_questions": "answer_text",
}
DELETED = {"Goals_Deleted": "goal_id,goal_deleted_date\ng1,2026-03-03T10:00:00Z\n"}

deleted_goal = example("deleted-goal", {D1: goal_files("g1", "x")}, {D2: DELETED})
deleted_same_day = example("deleted-same-day", {D2: {**goal_files("g1", "x"), **DELETED}})
deletion_first = example("deletion-first", {D2: DELETED}, then=({D1: goal_files("g1", "x")},))
delivered_later = example("delivered-later", {D1: goal_files("g1", "x")}, {D2: DELETED}, {D3: goal_files("g1", "y")})
deletion_undone = example(
    "deletion-undone",
    {D1: goal_files("g1", "x")},
    {D2: DELETED},
    then=({D2: {"Goals_Deleted": "goal_id\n"}},),
)
deletion_uncast = example(
    "deletion-uncast", {D1: goal_files("g1", "x")}, {D2: {"Goals_Deleted": "goal_id,goal_deleted_date\ng1,today\n"}}
)
deleted_null_goal = example("deleted-null-goal", {D1: goal_files("", "x")}, {D2: {"Goals_Deleted": 'goal_id\n""\n'}})


@pytest.mark.parametrize("table", GOAL_TEXTS)
@pytest.mark.parametrize(
    ("case", "expected"),
    [
        (deleted_goal, []),
        (deleted_same_day, []),
        (deletion_first, []),
        (delivered_later, [("y",)]),
        (deletion_undone, [("x",)]),
        (deletion_uncast, [("x",)]),
        (deleted_null_goal, []),
    ],
    ids=lambda value: value.org if isinstance(value, Example) else None,
)
def test_a_deletion_takes_out_what_was_delivered_up_to_its_day(
    case: Example, table: str, expected: list[tuple[str]], rows: Rows
):
    assert rows(case, table, GOAL_TEXTS[table]) == expected


def test_before_the_deletion_the_goal_is_there(rows: Rows):
    assert rows(deleted_goal, "goals", "goal_id", D1) == [("g1",)]
    assert rows(deleted_goal, "goals", "goal_id", D2) == []


came_back_alone = example(
    "came-back-alone", {D1: goal_files("g1", "x")}, {D2: DELETED}, {D3: {"Goals": "goal_id\ng1\n"}}
)


def test_each_table_of_a_goal_comes_back_by_its_own_delivery(rows: Rows):
    assert rows(came_back_alone, "goals", "goal_id") == [("g1",)]
    assert rows(came_back_alone, "goal_posts", "goal_id") == []


def test_goals_deleted_itself_is_a_plain_upsert(rows: Rows):
    expected = [("g1", datetime(2026, 3, 3, 10))]
    assert rows(delivered_later, "goals_deleted", "goal_id goal_deleted_date") == expected


# affiliations -----------------------------------------------------------------------------------------

OPEN, CLOSED = "", "2026-03-02T09:00:00Z"
AT_10, AT_12 = datetime(2026, 3, 3, 10), datetime(2026, 3, 3, 12)


def pair(deleted: str = OPEN, kind: str = "coach", learner: str = "l") -> dict[str, str]:
    header = "learner_employee_id,observer_employee_id,affiliation_type,date_deleted"
    return {"User_Affiliations": f"{header}\n{learner},o,{kind},{deleted}\n"}


def modified(*lines: str) -> dict[str, str]:
    return {"User_Modified": "\n".join(["employee_id,user_modified_date", *lines, ""])}


L_AT_10, O_AT_12 = "l,2026-03-03T12:00:00+02:00", "o,2026-03-03T12:00:00"

# what happens -> (by day), (type and date_deleted at the end)
AFFILIATIONS: dict[str, tuple[Days, tuple[str, datetime | None]]] = {
    "delivered open": ({D1: pair()}, ("coach", None)),
    "delivered with a date": ({D1: pair(CLOSED)}, ("coach", datetime(2026, 3, 2, 9))),
    "an update changes the date alone": (
        {D1: pair(), D2: pair(CLOSED, "mentor")},
        ("coach", datetime(2026, 3, 2, 9)),
    ),
    "learner modified later": ({D1: pair(), D2: modified(L_AT_10)}, ("coach", AT_10)),
    "observer modified later": ({D1: pair(), D2: modified(O_AT_12)}, ("coach", AT_12)),
    "both modified, the smaller date": ({D1: pair(), D2: modified(O_AT_12, L_AT_10)}, ("coach", AT_10)),
    "modified twice that day, the smaller date": (
        {D1: pair(), D2: modified("l,2026-03-03T12:00:00Z", L_AT_10)},
        ("coach", AT_10),
    ),
    "modified without a date": ({D1: pair(), D2: modified("l,")}, ("coach", datetime(2026, 3, 3))),
    "modified with a date that does not cast": ({D1: pair(), D2: modified("l,now")}, ("coach", datetime(2026, 3, 3))),
    "somebody else modified": ({D1: pair(), D2: modified("x,")}, ("coach", None)),
    "modified on the day of delivery": ({D1: {**pair(), **modified("l,")}}, ("coach", None)),
    "modified before the delivery": ({D1: modified("l,"), D2: pair()}, ("coach", None)),
    "the first of several modifications": ({D1: pair(), D2: modified(L_AT_10), D3: modified("l,")}, ("coach", AT_10)),
    "a date delivered is not overruled": ({D1: pair(CLOSED), D2: modified("l,")}, ("coach", datetime(2026, 3, 2, 9))),
    "a later delivery reopens": ({D1: pair(), D2: modified("l,"), D3: pair()}, ("coach", None)),
    "a later delivery reopens a delivered date": ({D1: pair(CLOSED), D3: pair()}, ("coach", None)),
    "reopened and ended again": (
        {D1: pair(), D2: modified(L_AT_10), D3: pair(), D4: modified("o,")},
        ("coach", datetime(2026, 3, 5)),
    ),
    "the later line of a day": (
        {D1: {"User_Affiliations": pair(CLOSED, "mentor")["User_Affiliations"] + "l,o,coach,\n"}},
        ("coach", None),
    ),
    "a line that does not cast": (
        {D1: pair(), D2: pair("infinity", "mentor"), D3: modified("l,2026-03-04T08:00:00Z")},
        ("coach", datetime(2026, 3, 4, 8)),
    ),
    "a learner that is null": ({D1: pair(learner=""), D2: modified(",")}, ("coach", datetime(2026, 3, 3))),
    "days in the other order": ({D3: pair(), D2: modified("l,"), D1: pair(CLOSED, "first")}, ("first", None)),
}
AFFILIATION_EXAMPLES = {
    name: example(f"pair-{number}", days) for number, (name, (days, _)) in enumerate(AFFILIATIONS.items())
}


@pytest.mark.parametrize("name", AFFILIATIONS)
def test_an_affiliation(name: str, rows: Rows):
    found = rows(AFFILIATION_EXAMPLES[name], "user_affiliations", "affiliation_type date_deleted")
    assert found == [AFFILIATIONS[name][1]]


def test_an_affiliation_as_of_each_day_opens_and_ends(rows: Rows):
    case = AFFILIATION_EXAMPLES["reopened and ended again"]
    found = [rows(case, "user_affiliations", "date_deleted", day) for day in (D1, D2, D3, D4)]
    assert found == [[(None,)], [(AT_10,)], [(None,)], [(datetime(2026, 3, 5),)]]


pair_corrected = example("pair-corrected", {D1: pair()}, {D2: modified(L_AT_10)}, then=({D2: modified("x,")},))


def test_an_ending_goes_with_the_modification_that_a_correction_lacks(rows: Rows):
    assert rows(pair_corrected, "user_affiliations", "date_deleted") == [(None,)]


# values -----------------------------------------------------------------------------------------------

CASTS: dict[tuple[str, str], object] = {
    ("rated_date", "2026-03-01T23:30:00-05:00"): datetime(2026, 3, 2, 4, 30),
    ("rated_date", "2026-03-01T05:00:00+05:30"): datetime(2026, 2, 28, 23, 30),
    ("rated_date", "2026-03-01T05:00:00Z"): datetime(2026, 3, 1, 5),
    ("rated_date", "2026-03-01T05:00:00"): datetime(2026, 3, 1, 5),
    ("rated_date", "2026-03-01T05:00:00.125"): datetime(2026, 3, 1, 5, 0, 0, 125000),
    ("rated_date", "2026-03-01"): datetime(2026, 3, 1),
    ("rating_value", "2.50"): Decimal("2.5"),
    ("rating_value", "-0.125"): Decimal("-0.125"),
    ("step_id", " NULL "): " NULL ",
    ("step_id", "\\N"): "\\N",
}
NO_CASTS = [
    *(("rated_date", text) for text in ("now", "today", "infinity", "epoch", "03/01/2026", "2026-02-30", "2026-3-1")),
    *(("rating_value", text) for text in ("NaN", "Infinity", "0x1F", "1e3", "1_000", "1,5", "three")),
]


def one_rating(number: int, column: str, text: str) -> Example:
    return example(f"value-{number}", {D1: {"Ratings": f'observation_group_id,{column}\no1,"{text}"\n'}})


CAST_EXAMPLES = {value: one_rating(number, *value) for number, value in enumerate([*CASTS, *NO_CASTS])}


@pytest.mark.parametrize(("column", "text"), CASTS)
def test_a_value_casts(column: str, text: str, rows: Rows):
    assert rows(CAST_EXAMPLES[column, text], "ratings", column) == [(CASTS[column, text],)]


@pytest.mark.parametrize(("column", "text"), NO_CASTS)
def test_a_value_does_not_cast(column: str, text: str, rows: Rows):
    assert rows(CAST_EXAMPLES[column, text], "ratings", column) == []


space_for_t = example("space-for-t", {D1: {"Ratings": "observation_group_id,rated_date\no1,2026-03-01 05:00:00\n"}})


def test_a_space_may_stand_between_day_and_time(rows: Rows):
    assert rows(space_for_t, "ratings", "rated_date") == [(datetime(2026, 3, 1, 5),)]


headers = example(
    "headers",
    {
        D1: {
            "Observations": "\ufeffOBSERVATION_GROUP_ID, employee_id_learner ,Observation_Group_Status,observation_accepted_date,"
            "school_year,school_year_id\r\no1,l1,done,2020-01-01,2026,17\r\n"
        }
    },
)


def test_headers_match_by_alias_and_a_removed_column_is_accepted(rows: Rows):
    columns = "observation_group_id learner_employee_id observation_status observer_employee_id"
    assert rows(headers, "observations", columns) == [("o1", "l1", "done", None)]


def test_school_year_and_school_year_id_are_kept_as_delivered(rows: Rows):
    assert rows(headers, "observations", "school_year school_year_id") == [(2026, 17)]


# id maps ----------------------------------------------------------------------------------------------

id_maps = example(
    "id-maps",
    {None: {"artifact_ids": "old_id,new_id\na1,n1\na2,n2\na1,n3\n", "artifact_content_ids": "old_id,new_id\nc1,n3\n"}},
    {None: {"goal_ids": "old_id,new_id\ng1,x\n", "user_ids": "old_id,new_id\nu1,x\n"}},
    then=({None: {"goal_ids": "old_id,new_id\n", "user_ids": "old_id,new_id\nu2,y\n,z\n"}},),
)


def test_only_the_current_load_of_each_id_map_counts_and_its_later_lines_win(rows: Rows):
    assert rows(id_maps, "id_map", "kind old_id new_id") == [
        ("artifact", "a1", "n3"),
        ("artifact", "a2", "n2"),
        ("artifact_content", "c1", "n3"),
        ("user", "u2", "y"),
        ("user", None, "z"),
    ]


def test_an_id_map_counts_as_of_every_day(rows: Rows):
    long_ago = date(2000, 1, 1)
    assert rows(id_maps, "id_map", "kind old_id new_id", long_ago) == rows(id_maps, "id_map", "kind old_id new_id")


# history and replay -----------------------------------------------------------------------------------


def test_the_history_of_a_row_is_from_its_day_until_the_next(ledger: Connection):
    columns = database.columns("rubrics")
    history = sorted(
        (row[columns.index("rubric_name")], start, end)
        for row, start, end in database.history_rows(ledger, "rubrics")
        if row[0] == whole_row.org
    )
    assert history == [("name", D1, D2), ("renamed", D2, None)]


def test_a_missing_dependent_file_refuses_where_the_org_asks_for_it(built: Settings, ledger: Connection):
    strict = replace(database.OPTIONS, missing_file="refuse")
    lists = [rule.file for rule in RULES.values() if rule.touched_by == "User_Rubrics_Modified.csv"]
    delivery = Delivery("refuses-missing", D1, {"User_Rubrics_Modified.csv": b"employee_id\ne1\n"})
    assert not database.load(ledger, built, delivery, options=strict)
    complete = replace(delivery, files={**delivery.files, **dict.fromkeys(lists, b"employee_id\n")})
    assert database.load(ledger, built, complete, options=strict)


def test_a_forgotten_record_another_logic_version_and_a_new_model_replay_the_log(built: Settings, ledger: Connection):
    database.build_reconciled(built)
    before = {table: database.rows(ledger, table) for table in TABLES}
    with ledger, ledger.cursor() as cursor:
        cursor.execute("delete from ops.applied where model = 'edreflect__user_affiliations'")
        cursor.execute("delete from edreflect.user_affiliations")
        cursor.execute("update ops.applied set logic_version = 'older' where model = 'edreflect__goals'")
        cursor.execute("update edreflect.goals set goal_title = 'as an older version had it'")
        cursor.execute("delete from ops.applied where model in ('edreflect__rubrics', 'edreflect__id_map')")
        cursor.execute("drop table edreflect.rubrics, edreflect.id_map cascade")
    assert database.pending_loads(ledger) > 0
    database.build_reconciled(built)
    assert {table: database.rows(ledger, table) for table in TABLES} == before
    assert database.pending_loads(ledger) == 0


def _statuses(ledger: Connection, case: Example) -> list[str]:
    with ledger.cursor() as cursor:
        cursor.execute("select status from ops.load_log where org_id = %s order by load_id", (case.org,))
        return [status for (status,) in cursor.fetchall()]
