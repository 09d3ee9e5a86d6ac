"""The catalogue of a real warehouse: what it says, its queries as a reader runs them, and its pages in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from playwright.sync_api import Browser, BrowserContext, sync_playwright
from playwright.sync_api import Page as BrowserPage

from edreflect_assets.catalog.pages import ViewPage, diagram_data, search_documents
from edreflect_assets.cli.app import main
from edreflect_assets.contracts import DBT_PROJECT_DIR, load_feeds
from edreflect_assets.database import connect
from edreflect_assets.settings import Settings
from tests.integration.catalog_world import CHROMIUM, FLAGS, Page, Site, catalog_site, needs_chromium, reader
from tests.integration.published import ORGS
from tests.integration.published import VIEWS as EVALUATION_VIEWS

INTERFACE = yaml.safe_load((DBT_PROJECT_DIR / "catalogue.yml").read_text(encoding="utf-8"))["views"]
VIEWS = [*INTERFACE, *EVALUATION_VIEWS]
WIDE, NARROW = {"width": 1280, "height": 800}, {"width": 360, "height": 740}


@pytest.fixture(scope="module")
def site(postgres_server: Settings, template_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with catalog_site(postgres_server, template_database, tmp_path_factory.mktemp("catalog")) as made:
        yield made


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield started
        started.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A wide browser whose requests and errors are looked at when the test is over."""
    opened = browser.new_context(viewport=WIDE)
    requests: list[str] = []
    failures: list[str] = []
    opened.on("request", lambda request: requests.append(request.url))
    opened.on("requestfailed", lambda request: failures.append(request.url))
    opened.on("weberror", lambda error: failures.append(str(error.error)))
    yield opened
    opened.close()
    assert not [url for url in requests if not url.startswith(("file://", "data:"))]
    assert failures == []


@pytest.fixture
def page(context: BrowserContext) -> BrowserPage:
    return context.new_page()


def page_of(site: Site, view: str) -> ViewPage:
    return next(each for each in site.catalog.pages if each.view.name == view)


class TestContent:
    def test_every_published_view_has_a_page(self, site: Site) -> None:
        assert {each.view.name for each in site.catalog.pages} == set(VIEWS)
        assert all(each.built for each in site.catalog.pages)

    def test_columns_types_and_nullability_are_those_of_the_catalogue(self, site: Site) -> None:
        for view, entry in INTERFACE.items():
            columns = {
                column.name: f"{column.data_type}{' not null' if column.never_null else ''}"
                for column in page_of(site, view).view.columns
            }
            assert columns == entry["columns"], view

    def test_columns_of_evaluation_views_have_the_warehouses_types(self, site: Site) -> None:
        types = {column.name: column.data_type for column in page_of(site, "observations").view.columns}
        assert types["observation_created_date"] == "timestamp"
        assert types["org_ids"] == "uuid[]"

    @pytest.mark.parametrize("view", VIEWS)
    def test_a_view_is_explained_down_to_its_files(self, site: Site, view: str) -> None:
        shown = page_of(site, view)
        assert shown.view.purpose
        assert shown.view.grain
        assert shown.view.freshness
        assert all(column.description for column in shown.view.columns)
        assert shown.lineage.mart == f"marts.{view}"
        assert shown.lineage.files
        known = {contract.file for feed in load_feeds().values() for contract in feed.files.values()}
        assert {file.contract.file for file in shown.lineage.files} <= known
        assert not {file.key for file in shown.lineage.files} & {file.key for file in shown.lineage.scope_files}

    def test_each_mart_is_counted_once_for_all_orgs(self, site: Site) -> None:
        counted = [step for step in site.steps if step.startswith("Counting ")]
        assert len(counted) == len(set(counted)) == len(VIEWS)
        # one learner and one observer of each of three orgs
        assert page_of(site, "educators").rows == 6
        assert page_of(site, "students").rows == 0

    def test_rows_per_day_are_the_current_loads_of_the_files_behind_the_view(self, site: Site) -> None:
        (roster,) = page_of(site, "students").feeds
        assert roster.chart is not None
        days = {bar.day.isoformat(): bar.rows / roster.files for bar in roster.chart.bars if bar.rows}
        assert days == {"2026-03-06": 11, "2026-03-09": 5, "2026-03-10": 20}
        assert str(page_of(site, "attempts").newest_day) == "2026-03-10"

    def test_the_last_build_is_named(self, site: Site) -> None:
        text = (site.directory / "index.html").read_text(encoding="utf-8")
        assert "11 Mar 2026, 04:05 UTC" in text

    def test_no_value_of_a_row_is_shown(self, site: Site) -> None:
        for path in site.directory.rglob("*"):
            if path.suffix in {".html", ".js"}:
                text = path.read_text(encoding="utf-8")
                assert not [org for org in ORGS if f"feedback {org}" in text or f"Teacher {org}" in text], path.name

    def test_every_internal_link_resolves(self, site: Site) -> None:
        pages = {path: Page(path.read_text(encoding="utf-8")) for path in site.pages}
        for path, parsed in pages.items():
            assert len(parsed.ids) == len(set(parsed.ids)), path.name
            for link in parsed.links:
                if link.startswith("data:"):
                    continue
                target, _, anchor = link.partition("#")
                reached = (path.parent / target).resolve() if target else path
                assert reached.is_file(), f"{path.name}: {link}"
                assert not anchor or anchor in pages[reached].ids, f"{path.name}: {link}"

    def test_what_is_found_and_drawn_leads_to_anchors_that_exist(self, site: Site) -> None:
        pages = {path: Page(path.read_text(encoding="utf-8")) for path in site.pages}
        for entry in [*search_documents(site.catalog), *diagram_data(site.catalog)["nodes"]]:
            target, _, anchor = entry["href"].partition("#")
            assert not anchor or anchor in pages[site.directory / target].ids, entry["href"]
            assert (site.directory / target).is_file()


@pytest.mark.parametrize("view", VIEWS)
def test_every_example_runs_for_an_ordinary_reader(site: Site, ordinary_reader: object, view: str) -> None:
    shown = page_of(site, view)
    assert shown.examples
    with ordinary_reader.cursor() as cursor:  # type: ignore[attr-defined]
        cursor.execute("set app.allowed_org_ids = %s", [ORGS["north"][0]])
        for example in shown.examples:
            cursor.execute(example.sql)
            names = [column.name for column in cursor.description]
            assert len(names) == len(set(names)), example.title
            cursor.fetchall()


@pytest.fixture(scope="module")
def ordinary_reader(site: Site) -> Iterator[object]:
    with reader(site.settings) as session:
        yield session


class TestCommand:
    @pytest.fixture(autouse=True)
    def home(self, database: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setenv("EDREFLECT_HOME", str(tmp_path / "home"))
        monkeypatch.setenv("EDREFLECT_DATABASE_URL", database.database_url or "")

    def test_without_a_warehouse_it_says_what_to_do_first(self, tmp_path: Path) -> None:
        result = CliRunner().invoke(main, ["catalog"])
        assert result.exit_code == 1
        assert result.stderr.count("\n") == 1
        assert "`edreflect build` first" in result.stderr
        assert not (tmp_path / "home" / "catalog").exists()

    def test_a_folder_with_other_things_is_refused_before_anything_is_counted(self, tmp_path: Path) -> None:
        (tmp_path / "thesis.txt").write_text("years of work", encoding="utf-8")
        result = CliRunner().invoke(main, ["catalog", "--out", str(tmp_path)])
        assert result.exit_code == 2
        assert "something other than a catalogue" in result.stderr

    def test_views_that_are_not_built_yet_are_described_and_named(self, database: Settings, tmp_path: Path) -> None:
        with closing(connect(database)) as connection, connection, connection.cursor() as cursor:
            cursor.execute("create view analytics.students as select null::uuid as id")
        result = CliRunner().invoke(main, ["catalog", "--out", str(tmp_path / "site")])
        assert (result.exit_code, result.stderr) == (0, "")
        assert "Not built in this warehouse yet: " in result.stdout
        assert f"open {tmp_path / 'site' / 'index.html'}" in result.stdout
        assert "not built yet" in (tmp_path / "site" / "views" / "guides.html").read_text(encoding="utf-8")


@needs_chromium
class TestBrowser:
    def test_search_finds_a_column_and_leads_to_it(self, site: Site, page: BrowserPage) -> None:
        page.goto(site.url())
        page.get_by_role("combobox", name="Search").fill("avg_duration_sec")
        result = page.get_by_role("option").first
        assert "aggregated_session_attempts" in result.inner_text()
        result.click()
        page.wait_for_url("**/views/aggregated_session_attempts.html#column-avg_duration_sec")
        assert page.locator("tr:target th").inner_text() == "avg_duration_sec"

    @pytest.mark.parametrize(
        ("words", "expected"),
        [
            ("attempts", "views/attempts.html"),
            ("students", "views/students.html"),
            ("session", "views/sessions.html"),
            ("studnets", "views/students.html"),
            ("mastery percent", "views/students_mastery.html#column-mastery_percentage"),
            ("caliper_attempt", "files.html#timeback-caliper_attempt"),
            ("enrollments.csv", "files.html#oneroster-enrollments"),
        ],
    )
    def test_names_words_and_misspellings_are_found(
        self, site: Site, page: BrowserPage, words: str, expected: str
    ) -> None:
        page.goto(site.url("files.html"))
        page.get_by_role("combobox", name="Search").fill(words)
        assert page.locator("#results [role=option] a").first.get_attribute("href") == expected

    def test_words_of_a_description_are_found_and_what_is_not_there_is_said(
        self, site: Site, page: BrowserPage
    ) -> None:
        page.goto(site.url("views/students.html"))
        box = page.get_by_role("combobox", name="Search")
        box.fill("coaching recommendations")
        found = page.locator("#results [role=option] a").evaluate_all("links => links.map(link => link.href)")
        assert any(href.endswith("views/recommendations.html") for href in found)
        box.fill("zebra crossing quagga")
        assert "Nothing" in page.locator("#results").inner_text()
        assert page.locator("#found").inner_text() == "No results"

    def test_a_join_key_leads_to_the_column_of_the_other_view(self, site: Site, page: BrowserPage) -> None:
        page.goto(site.url("views/class_enrollments.html"))
        page.locator("#column-class_id").get_by_role("link", name="classes.id").click()
        page.wait_for_url("**/views/classes.html#column-id")
        target = page.locator("tr:target")
        assert target.locator("th").inner_text() == "id"
        box, head = target.bounding_box(), page.locator("header.top").bounding_box()
        assert box is not None
        assert head is not None
        assert head["y"] + head["height"] <= box["y"] + 1

    def test_lineage_leads_to_the_file_and_back(self, site: Site, page: BrowserPage) -> None:
        page.goto(site.url("views/guides.html"))
        page.locator("section[aria-labelledby=lineage]").get_by_role("link", name="users.csv").first.click()
        page.wait_for_url("**/files.html#oneroster-users")
        page.locator("article:target").get_by_role("link", name="guides", exact=True).click()
        page.wait_for_url("**/views/guides.html#lineage")

    @pytest.mark.parametrize("viewport", [WIDE, NARROW], ids=["wide", "narrow"])
    def test_no_page_scrolls_sideways(self, site: Site, browser: Browser, viewport: dict[str, int]) -> None:
        opened = browser.new_context(viewport=viewport)  # type: ignore[arg-type]
        page = opened.new_page()
        wider = []
        for path in site.pages:
            page.goto(f"file://{path}")
            page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true })")
            if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                wider.append(path.name)
        opened.close()
        assert wider == []

    def test_search_results_fit_a_narrow_screen(self, site: Site, page: BrowserPage) -> None:
        page.set_viewport_size(NARROW)  # type: ignore[arg-type]
        page.goto(site.url())
        page.get_by_role("combobox", name="Search").fill("session")
        box = page.locator("#results").bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= NARROW["width"]

    def test_the_keyboard_is_enough(self, site: Site, page: BrowserPage) -> None:
        page.goto(site.url())
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Skip to the content"
        assert page.locator(".skip").bounding_box()["y"] >= 0  # type: ignore[index]
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "content"

        page.keyboard.press("/")
        assert page.evaluate("document.activeElement.id") == "search"
        page.keyboard.type("is_correct")
        selected = page.locator("#results [aria-selected=true]")
        assert page.locator("#search").get_attribute("aria-activedescendant") == selected.get_attribute("id")
        page.keyboard.press("ArrowDown")
        second = page.locator("#results [role=option]").nth(1)
        if second.count():
            assert second.get_attribute("aria-selected") == "true"
        page.keyboard.press("ArrowUp")
        page.keyboard.press("Enter")
        page.wait_for_url("**/views/attempts.html#column-is_correct")

    def test_escape_closes_the_results_and_a_slash_can_be_typed(self, site: Site, page: BrowserPage) -> None:
        page.goto(site.url())
        page.keyboard.press("/")
        page.keyboard.type("a/b")
        assert page.locator("#search").input_value() == "a/b"
        assert page.locator("#search").get_attribute("aria-expanded") == "true"
        page.keyboard.press("Escape")
        assert page.locator("#results").is_hidden()
        assert page.locator("#search").get_attribute("aria-expanded") == "false"

    def test_whatever_has_the_focus_shows_it(self, site: Site, page: BrowserPage) -> None:
        page.goto(site.url("views/attempts.html"))
        for _ in range(40):
            page.keyboard.press("Tab")
            outlined = page.evaluate("getComputedStyle(document.activeElement).outlineStyle !== 'none'")
            assert outlined, page.evaluate("document.activeElement.outerHTML.slice(0, 200)")

    def test_a_query_is_copied_with_the_keyboard(self, site: Site, page: BrowserPage) -> None:
        page.goto(site.url("views/attempts.html"))
        button = page.get_by_role("button", name="Copy").first
        button.focus()
        page.keyboard.press("Enter")
        page.get_by_role("button", name="Copied").wait_for()
        assert page.locator("#copied").inner_text() == "The query is copied."
        page.evaluate("document.body.append(Object.assign(document.createElement('textarea'), { id: 'pasted' }))")
        page.locator("#pasted").focus()
        page.keyboard.press("Control+V")
        assert page.locator("#pasted").input_value() == page_of(site, "attempts").examples[0].sql

    def test_without_a_clipboard_the_query_is_selected(self, site: Site, page: BrowserPage) -> None:
        page.add_init_script(
            "Object.defineProperty(navigator, 'clipboard', { value: undefined }); document.execCommand = () => false;"
        )
        page.goto(site.url("views/attempts.html"))
        page.get_by_role("button", name="Copy").first.press("Enter")
        page.get_by_role("button", name="Selected").wait_for()
        assert page.evaluate("getSelection().toString().trim()") == page_of(site, "attempts").examples[0].sql

    def test_the_chart_can_be_seen_and_read(self, site: Site, page: BrowserPage) -> None:
        page.goto(site.url("views/students.html"))
        chart = page.locator("figure.chart svg").first
        assert page.get_by_role("img", name="Rows delivered per day").count() == 1
        box = chart.bounding_box()
        assert box is not None
        assert box["width"] > 300
        page.locator("figure.chart summary").first.press("Enter")
        assert (
            page.locator("figure.chart table").first.get_by_role("row", name="2026-03-10").inner_text().endswith("40")
        )

    def test_dark_and_light_follow_the_system(self, site: Site, page: BrowserPage) -> None:
        def brightness() -> float:
            colours = page.evaluate("['backgroundColor', 'color'].map(name => getComputedStyle(document.body)[name])")
            back, ink = (sum(map(int, colour[4:-1].split(", "))) for colour in colours)
            return float(back - ink)

        page.goto(site.url("views/students.html"))
        page.emulate_media(color_scheme="light")
        assert brightness() > 400
        page.emulate_media(color_scheme="dark")
        assert brightness() < -400

    def test_without_scripts_everything_but_search_diagram_and_copying_is_there(
        self, site: Site, browser: Browser
    ) -> None:
        opened = browser.new_context(java_script_enabled=False)
        page = opened.new_page()
        page.goto(site.url("views/students.html"))
        assert page.locator("#column-email").is_visible()
        assert page.locator("form.search").is_hidden()
        assert page.locator("button.copy").first.is_hidden()
        page.goto(site.url("diagram.html"))
        assert page.locator("#diagram").is_hidden()
        assert page.locator("#list").is_visible()
        opened.close()


@needs_chromium
class TestDiagram:
    @pytest.fixture
    def diagram(self, site: Site, page: BrowserPage) -> BrowserPage:
        page.goto(site.url("diagram.html"))
        page.locator(".canvas svg").wait_for()
        return page

    def test_it_shows_every_view_and_none_hides_another(self, diagram: BrowserPage) -> None:
        boxes = diagram.locator(".node rect").evaluate_all(
            "boxes => boxes.map(box => box.getBBox()).map(({ x, y, width, height }) => [x, y, x + width, y + height])"
        )
        assert len(boxes) == len(VIEWS)
        for number, (left, top, right, bottom) in enumerate(boxes):
            for other in boxes[number + 1 :]:
                assert right <= other[0] or other[2] <= left or bottom <= other[1] or other[3] <= top

    def test_every_arrow_is_in_the_list_and_every_join_key_is_an_arrow(self, site: Site, diagram: BrowserPage) -> None:
        drawn = diagram.locator(".edge").evaluate_all(
            "edges => edges.map(edge => [edge.dataset.from, edge.dataset.to])"
        )
        listed = diagram.locator("section[aria-labelledby=list] tbody tr").evaluate_all(
            "rows => rows.map(row => [row.cells[0].innerText, row.cells[1].innerText])"
        )
        pairs = {(join.key.view, join.key.to) for join in site.catalog.joins}
        assert {tuple(pair) for pair in listed} == pairs
        # a view that refers to itself is listed only
        assert {tuple(pair) for pair in drawn} == {(start, end) for start, end in pairs if start != end}

    def test_a_view_with_the_focus_shows_its_own_keys_and_opens(self, diagram: BrowserPage) -> None:
        diagram.locator("[data-name=class_enrollments]").focus()
        assert "class_enrollments.class_id = classes.id" in diagram.locator(".keys").inner_text()
        ends = diagram.locator(".edge.near").evaluate_all("edges => edges.map(edge => edge.dataset.from)")
        assert ends
        assert set(ends) == {"class_enrollments"}
        diagram.keyboard.press("Enter")
        diagram.wait_for_url("**/views/class_enrollments.html")

    def test_it_grows_shrinks_and_leaves_groups_out(self, diagram: BrowserPage) -> None:
        def width() -> float:
            return float(diagram.locator(".canvas svg").get_attribute("width") or 0)

        before = width()
        diagram.get_by_role("button", name="Larger").press("Enter")
        assert width() > before
        diagram.get_by_role("button", name="Fit").press("Enter")
        assert width() == pytest.approx(before)
        diagram.get_by_label("Educator evaluation").press("Space")
        assert diagram.locator(".node").count() == len(INTERFACE)
