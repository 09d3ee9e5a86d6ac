"""The catalogue's content, from a manifest written by hand: views, join keys, lineage, charts, queries, and its folder."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from edreflect_assets.catalog.chart import DAYS, FEWEST, HEIGHT, WIDTH, chart_of
from edreflect_assets.catalog.examples import examples, join_condition
from edreflect_assets.catalog.lineage import Graph
from edreflect_assets.catalog.pages import catalog_of, diagram_data, search_documents
from edreflect_assets.catalog.site import write_site
from edreflect_assets.catalog.views import View, published_views, referring_keys
from edreflect_assets.catalog.warehouse import Warehouse, short_type
from edreflect_assets.contracts import load_feeds
from edreflect_assets.errors import UsageError


def model(schema: str, name: str, **extra: Any) -> dict[str, Any]:
    """Return a model as dbt's manifest has it, as far as the catalogue reads it."""
    folder = extra.pop("folder", "roster")
    return {
        "unique_id": f"model.edreflect.{name}",
        "resource_type": "model",
        "schema": schema,
        "alias": name.partition("__")[2] if schema != "staging" else name,
        "fqn": ["edreflect", schema, folder, name],
        "config": {"materialized": "view", **extra.pop("config", {})},
        "columns": {},
        "description": "",
        **extra,
    }


def columns(**types: str) -> dict[str, dict[str, str]]:
    return {name: {"name": name, "data_type": kind, "description": f"What {name} is."} for name, kind in types.items()}


STUDENTS = model(
    "analytics",
    "analytics__students",
    config={"reader": "analyst_read", "meta": {"grain": ["id"]}},
    raw_code="{{ scoped_by_person(ref('marts__students'), 'id') }}",
    description="Purpose: the students <b>of today</b>.\nGrain: one row per student.\nFreshness: as of the last build.\n"
    "Join keys: id to the others.",
    columns=columns(id="uuid", name="text", org_ids="uuid[]"),
)
CLASSES = model(
    "analytics",
    "analytics__classes",
    columns=columns(id="uuid", title="text", status="text", subject_ids="uuid[]", course_id="uuid"),
    config={
        "meta": {
            "join_keys": [
                {"key": "course_id::text", "to": "courses", "column": "id"},
                {"key": "unnest(subject_ids)", "to": "case_subjects", "column": "id"},
                {"key": "course_id", "to": "nowhere", "column": "id"},
                {"key": "course_id", "to": "courses", "column": "nothing"},
            ]
        }
    },
    raw_code="{{ open_to_readers(ref('marts__classes')) }}",
)
COURSES = model("analytics", "analytics__courses", folder="timeback", columns=columns(id="text", title="text"))
SUBJECTS = model("analytics", "analytics__case_subjects", folder="timeback", columns=columns(id="uuid", title="text"))
EDUCATORS = model(
    "analytics",
    "analytics__educators",
    folder="edreflect",
    raw_code="{{ scoped_to_orgs(ref('marts__educators')) }}",
    columns={name: {"name": name, "description": ""} for name in ("org_id", "employee_id", "year", "org_ids")},
)
GOALS = model(
    "analytics",
    "analytics__educator_goals",
    folder="edreflect",
    columns={name: {"name": name, "description": ""} for name in ("org_id", "employee_id", "created")},
    config={
        "meta": {
            "join_keys": [{"key": ["org_id", "employee_id"], "to": "educators", "column": ["org_id", "employee_id"]}]
        }
    },
)
PARENTS = {
    "analytics__students": ["model:marts__students", "model:marts__person_orgs"],
    "marts__students": ["model:oneroster__one_roster_user"],
    "marts__person_orgs": ["model:oneroster__one_roster_role"],
    "oneroster__one_roster_user": ["model:oneroster__packages"],
    "oneroster__one_roster_role": ["model:oneroster__packages"],
    "oneroster__packages": [f"model:stg_oneroster__{file}" for file in ("classes", "roles", "users")],
    "stg_oneroster__classes": ["source:classes"],
    "stg_oneroster__roles": ["source:roles"],
    "stg_oneroster__users": ["source:users"],
}
BELOW = [
    model("marts", "marts__students"),
    model("marts", "marts__person_orgs"),
    model("oneroster", "oneroster__one_roster_user"),
    model("oneroster", "oneroster__one_roster_role"),
    model("oneroster", "oneroster__packages", config={"materialized": "roster_fold"}),
    *(model("staging", f"stg_oneroster__{file}") for file in ("classes", "roles", "users")),
]
NOT_NULL = {
    "unique_id": "test.not_null",
    "resource_type": "test",
    "schema": "tests",
    "test_metadata": {"name": "not_null"},
    "attached_node": "model.edreflect.marts__educators",
    "column_name": "employee_id",
}


def written_out(name: str) -> str:
    kind, _, rest = name.partition(":")
    return f"model.edreflect.{rest}" if kind == "model" else f"source.edreflect.raw_oneroster.{rest}"


MANIFEST = {
    "nodes": {
        node["unique_id"]: node for node in [STUDENTS, CLASSES, COURSES, SUBJECTS, EDUCATORS, GOALS, *BELOW, NOT_NULL]
    },
    "sources": {
        f"source.edreflect.raw_oneroster.{name}": {"schema": "raw_oneroster", "name": name}
        for name in ("classes", "roles", "users")
    },
    "parent_map": {written_out(f"model:{name}"): [*map(written_out, parents)] for name, parents in PARENTS.items()},
}
TYPES = {"educators": {"org_id": "text", "employee_id": "text"}, "educator_goals": {"created": "timestamp"}}


@pytest.fixture
def views() -> dict[str, View]:
    return {view.name: view for view in published_views(MANIFEST, TYPES)}


class TestViews:
    def test_the_documentation_is_taken_apart_into_its_sections(self, views: dict[str, View]) -> None:
        students = views["students"]
        assert students.purpose == "The students <b>of today</b>."
        assert (students.grain, students.key) == ("One row per student.", ("id",))
        assert students.freshness == "As of the last build."
        assert students.joins_text == "id to the others."
        assert students.reader == "analyst_read"

    def test_what_the_catalogue_calls_never_null_is(self, views: dict[str, View]) -> None:
        never = {column.name: column.never_null for column in views["classes"].columns}
        assert never == {"id": True, "title": False, "status": True, "subject_ids": True, "course_id": False}

    def test_of_views_outside_of_the_catalogue_a_test_of_the_mart_says_what_is_never_null(
        self, views: dict[str, View]
    ) -> None:
        never = {column.name: column.never_null for column in views["educators"].columns}
        assert never == {"org_id": True, "employee_id": True, "year": False, "org_ids": True}

    def test_a_type_that_no_document_names_is_the_warehouses(self, views: dict[str, View]) -> None:
        assert views["educators"].by_name["org_id"].data_type == "text"
        assert views["students"].by_name["id"].data_type == "uuid"

    def test_views_are_in_the_group_of_their_folder_and_the_rest_by_their_scope(self, views: dict[str, View]) -> None:
        assert {name: view.group for name, view in views.items()} == {
            "classes": "roster",
            "students": "roster",
            "case_subjects": "reference",
            "courses": "reference",
            "educator_goals": "edreflect",
            "educators": "edreflect",
        }

    def test_scope_follows_from_what_the_view_is_made_by(self, views: dict[str, View]) -> None:
        assert views["students"].scoped
        assert not views["classes"].scoped

    @pytest.mark.parametrize(
        ("written", "short"),
        [
            ("timestamp with time zone", "timestamptz"),
            ("uuid[]", "uuid[]"),
            ("timestamp without time zone", "timestamp"),
        ],
    )
    def test_types_are_named_as_the_project_writes_them(self, written: str, short: str) -> None:
        assert short_type(written) == short


class TestJoinKeys:
    def test_casts_lists_and_elements_are_read_and_what_leads_nowhere_is_left_out(self, views: dict[str, View]) -> None:
        found = [(key.columns, key.to, key.to_columns) for key in views["classes"].join_keys]
        assert found == [(("course_id",), "courses", ("id",)), (("subject_ids",), "case_subjects", ("id",))]
        assert views["educator_goals"].join_keys[0].pairs == (("org_id", "org_id"), ("employee_id", "employee_id"))

    def test_a_key_leads_back_from_where_it_leads_to(self, views: dict[str, View]) -> None:
        referring = referring_keys(views.values())
        assert [key.view for key in referring["courses"]] == ["classes"]
        assert "classes" not in referring

    def test_conditions_cast_where_types_differ_and_look_into_arrays(self, views: dict[str, View]) -> None:
        to_course, to_subject = (
            join_condition(key, views["classes"], views[key.to]) for key in views["classes"].join_keys
        )
        assert to_course == "classes.course_id::text = courses.id"
        assert to_subject == "case_subjects.id = any(classes.subject_ids)"


class TestLineage:
    def test_it_leads_through_the_fold_to_the_file_of_each_table(self, views: dict[str, View]) -> None:
        lineage = Graph(MANIFEST, load_feeds()).lineage(views["students"])
        assert lineage.mart == "marts.students"
        assert lineage.marts == ("marts.students",)
        (users,) = lineage.files
        assert (users.feed, users.contract.file) == ("oneroster", "users.csv")
        assert users.staged == ("staging.stg_oneroster__users",)
        assert users.reconciled == ("oneroster.one_roster_user",)

    def test_files_that_only_decide_who_sees_a_row_stand_apart(self, views: dict[str, View]) -> None:
        lineage = Graph(MANIFEST, load_feeds()).lineage(views["students"])
        assert [file.contract.file for file in lineage.scope_files] == ["roles.csv"]

    def test_a_view_whose_parents_are_unknown_has_no_files(self, views: dict[str, View]) -> None:
        lineage = Graph(MANIFEST, load_feeds()).lineage(views["classes"])
        assert (lineage.mart, lineage.files, lineage.scope_files) == (None, (), ())


class TestChart:
    def test_nothing_delivered_is_no_chart(self) -> None:
        assert chart_of({}) is None

    def test_days_without_a_delivery_are_gaps_and_few_days_stand_at_the_end(self) -> None:
        chart = chart_of({date(2026, 3, 10): 5, date(2026, 3, 12): 10})
        assert chart is not None
        assert (len(chart.bars), chart.last, chart.total, chart.highest) == (FEWEST, date(2026, 3, 12), 15, 10)
        assert [bar.rows for bar in chart.bars[-3:]] == [5, 0, 10]
        assert [bar.height for bar in chart.bars[-3:]] == [HEIGHT / 2, 0, HEIGHT]

    def test_bars_stay_in_the_drawing_and_older_days_are_counted(self) -> None:
        first = date(2026, 1, 1)
        chart = chart_of({first + timedelta(days=number): number + 1 for number in range(DAYS + 7)})
        assert chart is not None
        assert (len(chart.bars), chart.earlier) == (DAYS, 7)
        assert all(bar.x >= 0 and bar.x + bar.width <= WIDTH for bar in chart.bars)
        assert all(bar.y >= 0 and abs(bar.y + bar.height - HEIGHT) < 0.02 for bar in chart.bars)
        assert [bar.x for bar in chart.bars] == sorted({bar.x for bar in chart.bars})

    def test_a_day_with_few_rows_can_be_seen_beside_one_with_many(self) -> None:
        chart = chart_of({date(2026, 3, 1): 1, date(2026, 3, 2): 10_000_000})
        assert chart is not None
        assert chart.bars[-2].height >= 1


class TestExamples:
    def test_a_view_that_refers_to_another_shows_how_to_join_it(self, views: dict[str, View]) -> None:
        queries = {example.title: example.sql for example in examples(views["classes"], views)}
        assert (
            "left join analytics.courses\n    on classes.course_id::text = courses.id"
            in queries["With courses, by course_id"]
        )
        assert "courses.title as courses_title" in queries["With courses, by course_id"]

    def test_kinds_days_and_organizations_are_counted_where_there_are_any(self, views: dict[str, View]) -> None:
        def titles(name: str) -> set[str]:
            return {example.title for example in examples(views[name], views)}

        assert "Rows per status" in titles("classes")
        assert "Rows per day, by created" in titles("educator_goals")
        assert "Rows per organization" in titles("students")
        assert titles("courses") == {"A first look"}


class TestSite:
    @pytest.fixture
    def written(self, views: dict[str, View], tmp_path: Path) -> Path:
        return write(views, tmp_path / "out")

    def test_texts_are_escaped(self, written: Path) -> None:
        page = (written / "views" / "students.html").read_text(encoding="utf-8")
        assert "&lt;b&gt;of today&lt;/b&gt;" in page
        assert "<b>of today" not in page

    def test_nothing_is_loaded_from_anywhere_else(self, written: Path) -> None:
        for path in written.rglob("*.html"):
            text = path.read_text(encoding="utf-8")
            loaded = re.findall(r'<(?:script|link|img|iframe)[^>]*?(?:src|href)="([^"]+)"', text)
            assert loaded
            assert not [each for each in loaded if "//" in each], path.name
        for path in written.rglob("*.css"):
            assert "url(" not in path.read_text(encoding="utf-8")
            assert "@import" not in path.read_text(encoding="utf-8")

    def test_what_is_vendored_comes_with_its_licence(self, written: Path) -> None:
        vendored = written / "assets" / "vendor"
        assert "Copyright" in (vendored / "minisearch-LICENSE.txt").read_text(encoding="utf-8")
        assert "Copyright" in (vendored / "dagre.min.js.LEGAL.txt").read_text(encoding="utf-8")

    def test_a_catalogue_takes_the_place_of_an_older_one(self, views: dict[str, View], written: Path) -> None:
        (written / "views" / "gone.html").write_text("a view of long ago", encoding="utf-8")
        assert write(views, written) == written
        assert not (written / "views" / "gone.html").exists()
        assert [path.name for path in written.parent.iterdir()] == ["out"]

    def test_another_folder_is_left_alone(self, views: dict[str, View], tmp_path: Path) -> None:
        (tmp_path / "thesis.txt").write_text("years of work", encoding="utf-8")
        with pytest.raises(UsageError, match="something other than a catalogue"):
            write(views, tmp_path)
        assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]

    def test_a_page_that_fails_leaves_the_old_catalogue(
        self, views: dict[str, View], written: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        before = (written / "index.html").read_bytes()
        monkeypatch.setattr("edreflect_assets.catalog.site.diagram_data", lambda catalog: {object()})
        with pytest.raises(TypeError):
            write(views, written)
        assert (written / "index.html").read_bytes() == before
        assert [path.name for path in written.parent.iterdir()] == ["out"]


def test_views_columns_and_files_can_all_be_found(views: dict[str, View]) -> None:
    documents = search_documents(content(views))
    assert [document["id"] for document in documents] == list(range(len(documents)))
    found = {(document["kind"], document["name"], document["href"]) for document in documents}
    assert ("view", "students", "views/students.html") in found
    assert ("column", "course_id", "views/classes.html#column-course_id") in found
    assert ("file", "users.csv", "files.html#oneroster-users") in found


def test_the_diagram_has_every_view_and_one_edge_for_two_views(views: dict[str, View]) -> None:
    diagram = diagram_data(content(views))
    assert {node["name"] for node in diagram["nodes"]} == set(views)
    assert {(edge["from"], edge["to"]) for edge in diagram["edges"]} == {
        ("classes", "courses"),
        ("classes", "case_subjects"),
        ("educator_goals", "educators"),
    }


def content(views: dict[str, View]) -> Any:
    graph = Graph(MANIFEST, load_feeds())
    lineages = {name: graph.lineage(view) for name, view in views.items()}
    warehouse = Warehouse(
        types={name: {} for name in views}, days={("oneroster", "users"): {date(2026, 3, 1): 7}}, last_build=None
    )
    return catalog_of(list(views.values()), lineages, warehouse, load_feeds(), datetime(2026, 3, 2, tzinfo=UTC))


def write(views: dict[str, View], directory: Path) -> Path:
    return write_site(content(views), directory).parent
