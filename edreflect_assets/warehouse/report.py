"""What came of a dbt run: one result per node, and the sentences made of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from edreflect_assets.warehouse.messages import safe_message

FAILED = frozenset({"error", "fail", "runtime error"})


@dataclass(frozen=True)
class NodeResult:
    """What came of one model or test.

    ``status`` is dbt's (success, pass, warn, fail, error, skipped); ``message`` holds no value of a row;
    ``failing_rows`` is what a test found, ``rows_affected`` what the last statement of a model wrote.
    """

    unique_id: str
    status: str
    seconds: float
    message: str
    failing_rows: int | None = None
    rows_affected: int | None = None

    @property
    def name(self) -> str:
        """The node's name, unique among models and among tests."""
        return self.unique_id.split(".")[2]

    @property
    def is_test(self) -> bool:
        """Whether this is a test of data."""
        return self.unique_id.startswith("test.")

    @property
    def sentence(self) -> str:
        """Its name and what became of it."""
        return f"{self.name}: {self.message}"


@dataclass(frozen=True)
class BuildReport:
    """The results of a dbt run; ``trouble`` says what kept dbt from running at all."""

    nodes: tuple[NodeResult, ...] = ()
    trouble: str | None = None

    @property
    def models(self) -> Mapping[str, float]:
        """Seconds by model, of those that were built."""
        return {node.name: node.seconds for node in self.nodes if node.status == "success" and not node.is_test}

    @property
    def failures(self) -> tuple[str, ...]:
        """A sentence for everything that failed."""
        trouble = (self.trouble,) if self.trouble else ()
        return (*trouble, *(node.sentence for node in self.nodes if node.status in FAILED))

    @property
    def not_built(self) -> tuple[str, ...]:
        """The sentences of what failed, tests of data apart: they find fault with rows and stop nothing."""
        trouble = (self.trouble,) if self.trouble else ()
        return (*trouble, *(node.sentence for node in self.nodes if node.status in FAILED and not node.is_test))

    @property
    def warnings(self) -> tuple[str, ...]:
        """A sentence for every test that found something of severity warn."""
        return tuple(node.sentence for node in self.nodes if node.status == "warn")

    @property
    def succeeded(self) -> bool:
        """Whether every model was built and no test failed."""
        return not self.failures


def report_of(outcomes: Iterable[Any]) -> BuildReport:
    """Return the report of one or more results of a ``dbtRunner``."""
    nodes: list[NodeResult] = []
    for outcome in outcomes:
        if outcome.result is None:
            return BuildReport(tuple(nodes), f"dbt stopped: {safe_message(str(outcome.exception))}")
        nodes += [_node_result(result) for result in outcome.result.results]
    return BuildReport(tuple(nodes))


def _node_result(result: Any) -> NodeResult:
    affected = (result.adapter_response or {}).get("rows_affected", -1)
    return NodeResult(
        result.node.unique_id,
        str(result.status),
        round(result.execution_time, 3),
        safe_message(result.message),
        result.failures,
        affected if affected >= 0 else None,
    )
