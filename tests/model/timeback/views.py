"""All 41 views, by name, as any scope sees them: columns in the catalogue's order, one tuple per row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from typing import Any

from tests.model.roster.tenants import Tenant
from tests.model.roster.views import EVERYTHING, Caller, Scope
from tests.model.roster.views import VIEWS as ROSTER_VIEWS
from tests.model.timeback import attempts, curriculum, insights, people

ViewRow = tuple[Any, ...]

TIMEBACK_VIEWS: Mapping[str, Callable[[Caller], Iterator[ViewRow]]] = {
    view.__name__: view
    for view in (
        attempts.attempts, attempts.aggregated_session_attempts, attempts.sessions,
        insights.waste_insights, insights.cheating_insights, insights.proctoring_insights,
        insights.sessions_waste, insights.sessions_cheating, insights.sessions_proctoring, insights.student_journals,
        people.students_xp, people.students_mastery, people.placement_results, people.recommendations,
        curriculum.courses, curriculum.units, curriculum.lessons, curriculum.subjects, curriculum.tests,
        curriculum.questions, curriculum.unit_courses, curriculum.question_tests, curriculum.test_parents,
        curriculum.resource_relations, curriculum.curriculum_items, curriculum.case_courses, curriculum.case_subjects,
        curriculum.grades, curriculum.learning_apps, curriculum.learning_app_subjects, curriculum.school_usage_stats,
    )
}  # fmt: skip
VIEWS: Mapping[str, Callable[[Caller], Iterator[ViewRow]]] = {**ROSTER_VIEWS, **TIMEBACK_VIEWS}


def view(name: str, tenants: Iterable[Tenant], today: date, scope: Scope = EVERYTHING) -> Counter[ViewRow]:
    """Return a view's rows with how often each occurs; tenants do not see each other, a caller may see several."""
    return Counter(row for tenant in tenants for row in VIEWS[name](Caller(tenant, today, scope)))
