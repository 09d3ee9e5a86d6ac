"""A build from the command line: dbt in this process, the manifest kept between builds."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from typing import TYPE_CHECKING, Any

from edreflect_assets.files import make_private
from edreflect_assets.settings import Settings
from edreflect_assets.warehouse.dbt import dbt_arguments, dbt_environment, project_checksum
from edreflect_assets.warehouse.lock import build_session
from edreflect_assets.warehouse.messages import safe_message
from edreflect_assets.warehouse.report import BuildReport, report_of

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest

# dbt's selection of the data tests whose cost does not follow the changes.
DAILY = "tag:daily"
# dbt keeps its settings and adapters in module state: one run at a time in a process
_one_run = threading.Lock()
_manifests: dict[tuple[str, str], Manifest] = {}


def build(
    settings: Settings,
    *,
    as_of: date | None = None,
    select: str | None = None,
    everything: bool = False,
    all_tests: bool = False,
    progress: Callable[[str, int, int], None] | None = None,
) -> BuildReport:
    """Apply every pending load and publish; with nothing pending nothing changes.

    ``as_of`` pins "today" for this build (design, "Rules of the log"). The models with something pending are built, with
    what reads them; every model when the dbt project has changed, when the last build failed, or with ``everything``;
    or those of ``select``, a dbt selection. ``all_tests`` also runs the data tests that are left to once a day. ``progress`` is called with a node's name, its number and the number of
    nodes. Failures of models and tests are in the report; raises BuildInProgress when another builder is at work and
    ConfigurationError when the database cannot be used.
    """
    with build_session(settings, as_of=as_of) as record:
        record.partial = select is not None
        selection = (select,) if select else None if everything else record.selection
        if selection == ():
            return run_dbt(settings, ["test", "--select", DAILY], progress) if all_tests else BuildReport()
        command = ["build", *(["--select", *selection] if selection else [])]
        report = run_dbt(
            settings, command, progress, daily_tests=all_tests, views_stand=record.views_stand and not select
        )
        if report.failures:
            record.error = "; ".join(report.failures)[:4000]
    return report


def run_dbt(
    settings: Settings,
    command: list[str],
    progress: Callable[[str, int, int], None] | None = None,
    *,
    daily_tests: bool = False,
    views_stand: bool = False,
) -> BuildReport:
    """Run one dbt command in this process and return what came of each node.

    A ``build`` is a run and then a test, so that no finding in one org's rows keeps another's from being published
    (dbt's own build skips whatever is below a failed test); dbt's unit tests are left to `make test`, and data tests that
    read whole tables however little has changed to once a day, unless ``daily_tests`` asks for them. ``views_stand``: the
    views among the selected are as they should be, and only stored models are run. The environment of
    the process is changed while dbt runs, which is why there is one run at a time.
    """
    from dbt.cli.main import dbtRunner  # noqa: PLC0415 - takes a second to import

    from edreflect_assets.warehouse import adapter  # noqa: PLC0415 - imports dbt

    adapter.install()
    for folder in (settings.logs, settings.dbt_target):
        make_private(folder, folder)
    environment = dbt_environment(settings)
    commands = [command]
    if command[0] == "build":
        left_out = [] if daily_tests else ["--exclude", DAILY]
        run = stored_models(command[1:]) if views_stand else command[1:]
        commands = [["run", *run], ["test", *command[1:], "--exclude-resource-type", "unit_test", *left_out]]
    flags = ["--log-level", "none", "--log-level-file", "debug", "--no-use-colors", "--no-send-anonymous-usage-stats"]
    # dbt would write the whole manifest once per command, which takes longer than the models of a usual day.
    flags.append("--no-write-json")
    key = (project_checksum(), environment["EDREFLECT_PG_DATABASE"])
    with _one_run, _environment(environment):
        manifest = _manifests.get(key)
        if manifest is None:
            parsed = dbtRunner().invoke([*flags, "parse", *dbt_arguments(settings)])
            if not parsed.success:
                return BuildReport(trouble=f"The dbt project does not parse: {safe_message(str(parsed.exception))}")
            manifest = _manifests[key] = parsed.result  # type: ignore[assignment]
        callbacks = [_progress_callback(progress)] if progress else []
        runner = dbtRunner(manifest=manifest, callbacks=callbacks)
        return report_of(_outcomes(runner, [[*flags, *each, *dbt_arguments(settings)] for each in commands]))


def stored_models(arguments: Sequence[str]) -> list[str]:
    """Return a dbt selection (``--select`` and what follows) without the views below what it names."""
    return [
        part
        for argument in arguments
        for part in (
            [argument[:-1], f"{argument},config.materialized:incremental"] if argument.endswith("+") else [argument]
        )
    ]


def _outcomes(runner: Any, commands: list[list[str]]) -> Iterator[Any]:
    """Run one command after the other. dbt hands Ctrl-C back as a result, and the next command would still run."""
    for command in commands:
        outcome = runner.invoke(command)
        if isinstance(outcome.exception, KeyboardInterrupt):
            raise KeyboardInterrupt
        yield outcome


def _progress_callback(progress: Callable[[str, int, int], None]) -> Callable[[Any], None]:
    def on_event(event: Any) -> None:
        if event.info.name == "LogModelResult":
            progress(event.data.node_info.node_name, event.data.index, event.data.total)
        elif event.info.name == "LogTestResult":
            progress(event.data.node_info.node_name, event.data.index, event.data.num_models)

    return on_event


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
