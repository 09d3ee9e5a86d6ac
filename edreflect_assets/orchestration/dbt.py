"""The dbt project as Dagster assets: not partitioned, built when the ledger says so, one build at a time."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, dbt_assets
from dagster_dbt.asset_utils import get_asset_check_key_for_test, get_updated_cli_invocation_params_for_context

from edreflect_assets.contracts import load_feeds
from edreflect_assets.orchestration.pools import DBT_POOL
from edreflect_assets.orchestration.raw import raw_asset_key
from edreflect_assets.orchestration.rosters import sync_metadata
from edreflect_assets.settings import Settings
from edreflect_assets.warehouse import BuildInProgress, BuildReport, NodeResult, build_session
from edreflect_assets.warehouse.build import DAILY, run_dbt
from edreflect_assets.warehouse.report import FAILED

# Waiting for a builder outside Dagster (the command line); Dagster's own builds queue for the pool.
BUSY_RETRIES, BUSY_SECONDS = 10, 30.0
DAILY_TAG = DAILY.removeprefix("tag:")
# The materializations of models that hold no rows of their own.
VIEWS = frozenset({"replaced_view", "published_view"})
UNCHANGED_VIEW = "unchanged: it shows the rows of this build"


class Translator(DagsterDbtTranslator):
    """dbt's resources under the platform's names: sources are raw assets, models ``<schema>/<table>``."""

    def __init__(self) -> None:
        """Let all tables of a feed stand for its one or two raw assets."""
        super().__init__(DagsterDbtTranslatorSettings(enable_duplicate_source_asset_keys=True))
        self._feeds = {feed.raw_schema: feed for feed in load_feeds().values()}

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        """Return the raw asset of a source's table, or schema and name of a model."""
        if dbt_resource_props["resource_type"] == "source":
            feed = self._feeds[dbt_resource_props["schema"]]
            return raw_asset_key(feed, dayless=feed.tables[dbt_resource_props["name"]].dayless)
        alias = dbt_resource_props.get("alias") or dbt_resource_props["name"]
        return dg.AssetKey([dbt_resource_props["schema"], alias])

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        """Return the schema: staging, a feed's, marts, analytics."""
        return str(dbt_resource_props["schema"])


def dbt_models(manifest: Path) -> dg.AssetsDefinition:
    """Return the assets and checks of the dbt project that ``manifest`` describes."""
    translator = Translator()

    @dbt_assets(
        manifest=manifest,
        name="dbt_models",
        dagster_dbt_translator=translator,
        pool=DBT_POOL,
        exclude="resource_type:unit_test",
    )
    def models(context: dg.AssetExecutionContext, settings: dg.ResourceParam[Settings]) -> Iterator[Any]:
        yield from _build(context, settings, json.loads(manifest.read_text(encoding="utf-8")), translator)

    return models


def _build(
    context: dg.AssetExecutionContext, settings: Settings, manifest: Mapping[str, Any], translator: Translator
) -> Iterator[dg.Output[None] | dg.AssetCheckResult]:
    """Run dbt for the selected assets, or for what is pending when all are selected, and report each node.

    Raises Failure when a model could not be built (the sensor over the ledger decides about another try) and
    RetryRequested while another builder is at work. A failed test is a failed check and stops nothing.
    """
    try:
        with build_session(settings) as record:
            record.partial = context.is_subset
            arguments = _selection(context, manifest, translator, record.selection)
            report = BuildReport()
            if arguments is not None:
                report = run_dbt(
                    settings,
                    ["build", *arguments],
                    progress=lambda node, number, total: context.log.info(f"{number} of {total}: {node}"),
                    daily_tests=context.is_subset,
                    views_stand=record.views_stand and not context.is_subset,
                )
            broken = report.not_built
            record.error = "; ".join(broken)[:4000] or None
    except BuildInProgress as busy:
        context.log.info(str(busy))
        raise dg.RetryRequested(max_retries=BUSY_RETRIES, seconds_to_wait=BUSY_SECONDS) from None
    built = {result.unique_id.rpartition(".")[2] for result in report.nodes if result.status == "success"}
    packages = {f"{feed.name}__packages" for feed in load_feeds().values() if feed.package}
    beside = sync_metadata(settings) if packages & built else {}
    stood = record.views_stand and not context.is_subset
    nodes = with_standing_views(report.nodes, manifest) if stood else report.nodes
    yield from node_events(nodes, manifest, translator, context.selected_asset_check_keys, beside)
    if broken:
        raise dg.Failure(
            f"{len(broken)} models were not built; what readers see is as it was before. {'; '.join(broken)}",
            allow_retries=False,
        )


def daily_check_keys(manifest: Path) -> list[dg.AssetCheckKey]:
    """Return the checks of the data tests that builds leave to once a day."""
    parsed, translator = json.loads(manifest.read_text(encoding="utf-8")), Translator()
    keys = [
        get_asset_check_key_for_test(parsed, translator, unique_id, project=None)
        for unique_id, node in parsed["nodes"].items()
        if node["resource_type"] == "test" and DAILY_TAG in node["tags"]
    ]
    return [key for key in keys if key is not None]


def _selection(
    context: dg.AssetExecutionContext,
    manifest: Mapping[str, Any],
    translator: Translator,
    pending: Sequence[str] | None,
) -> list[str] | None:
    """Return dbt's arguments, None when there is nothing to do; ``pending`` is None where everything must be built."""
    if context.is_subset:
        chosen = get_updated_cli_invocation_params_for_context(context, manifest, translator)
        indirect = ["--indirect-selection", chosen.indirect_selection] if chosen.indirect_selection else []
        return [*chosen.selection_args, *indirect]
    if pending is None:
        return []
    return ["--select", *pending] if pending else None


def node_events(
    results: Iterable[NodeResult],
    manifest: Mapping[str, Any],
    translator: DagsterDbtTranslator,
    selected_checks: Iterable[dg.AssetCheckKey],
    beside: Mapping[str, Mapping[str, Any]] | None = None,
) -> Iterator[dg.Output[None] | dg.AssetCheckResult]:
    """Turn dbt's results into one Output per built model and one check result per test, skipped ones included.

    ``beside`` is more metadata, by the name of a model.
    """
    selected = set(selected_checks)
    for result in results:
        metadata: dict[str, Any] = {"unique_id": result.unique_id, "seconds": result.seconds}
        if result.is_test:
            key = get_asset_check_key_for_test(manifest, translator, result.unique_id, project=None)
            if key is None or key not in selected:
                continue
            if result.failing_rows is not None:
                metadata["rows"] = result.failing_rows
            yield dg.AssetCheckResult(
                asset_key=key.asset_key,
                check_name=key.name,
                passed=result.status == "pass",
                severity=dg.AssetCheckSeverity.ERROR if result.status in FAILED else dg.AssetCheckSeverity.WARN,
                description=_test_text(result, manifest["nodes"].get(result.unique_id, {})),
                metadata=metadata,
            )
        elif result.unique_id in manifest["nodes"] and result.status == "success":
            asset_key = translator.get_asset_spec(manifest, result.unique_id, None).key
            if result.message == UNCHANGED_VIEW:
                metadata["definition"] = UNCHANGED_VIEW
            if result.rows_affected is not None:
                metadata["rows_affected"] = result.rows_affected
            metadata.update((beside or {}).get(result.unique_id.rpartition(".")[2], {}))
            yield dg.Output(None, output_name=asset_key.to_python_identifier(), metadata=metadata)


def with_standing_views(results: Sequence[NodeResult], manifest: Mapping[str, Any]) -> list[NodeResult]:
    """Return the results, upstream first, with one for each view below a built model: nothing had to be run for it."""
    models = {result.unique_id: result for result in results if not result.is_test}
    below = [unique_id for unique_id, result in models.items() if result.status == "success"]
    while below:
        for child in manifest["child_map"].get(below.pop(), ()):
            node = manifest["nodes"].get(child, {})
            if child not in models and node.get("config", {}).get("materialized") in VIEWS:
                models[child] = NodeResult(child, "success", 0.0, UNCHANGED_VIEW)
                below.append(child)
    order = TopologicalSorter({model: manifest["parent_map"][model] for model in models}).static_order()
    return [models[each] for each in order if each in models] + [result for result in results if result.is_test]


def _test_text(result: NodeResult, node: Mapping[str, Any]) -> str:
    """Return what a test says: its own description, which tells how to resolve it, and the number of rows it found."""
    meaning = " ".join(str(node.get("description") or node.get("name") or "").split())
    if result.status == "pass":
        return meaning
    if result.status == "skipped":
        return f"Not run, because something before it failed. {meaning}"
    if result.failing_rows:
        return f"{result.failing_rows} rows. {meaning}"
    return f"{result.sentence}. {meaning}"
