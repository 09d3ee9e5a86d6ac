"""Which rule each file of the export follows, written by hand a second time so that a slip in the contract shows."""

from __future__ import annotations

from dataclasses import dataclass

OBSERVATION_LISTS = [
    "Observation_Answers",
    "Observation_Comments",
    "Observation_Feedback",
    "Observation_Forms",
    "Observation_Participants",
    "Observation_Snapshots",
    "Ratings",
    "Aggregated_Observation_Ratings",
    "Aggregated_Snapshot_Ratings",
]
USER_LISTS = ["User_Accounts", "User_Grades", "User_Groups", "User_Roles", "User_Subjects"]

# file -> (key of its lists, the file that names the lists that changed)
LISTS = {
    **dict.fromkeys(OBSERVATION_LISTS, ("observation_group_id", "Observation_Modified")),
    **dict.fromkeys(USER_LISTS, ("employee_id", "User_Modified")),
    "User_Rubrics": ("employee_id", "User_Rubrics_Modified"),
    "Goal_Posts": ("goal_id", "Goals_Modified"),
    "Goals_Questions": ("goal_id", "Goals_Modified"),
    "Indicators": ("rubric_id", "Rubrics"),
    "Indicator_Proficiency_Levels": ("rubric_id", "Rubrics"),
    "Slo_Assessments": ("slo_id", "Slos"),
    "Slo_Assessment_Answers": ("slo_id", "Slos"),
    "Trending_Ratings": ("trending_id", "Trendings"),
}

# file -> key of a row; the row of the latest day replaces the others
UPSERTS = {
    "Observations": "observation_group_id",
    "Observation_History": "history_id",
    "Observation_Steps": "step_id",
    "Observation_Step_Scripting_Notes": "scripting_note_id",
    "Observation_Step_Sharing": "step_id shared_with_employee_id",
    "Snapshots": "snapshot_id",
    "Snapshots_Ratings": "snapshot_id indicator_id",
    "Aggregated_Eoy_Snapshots": "snapshot_id learner_employee_id",
    "Goals": "goal_id",
    "Goals_Deleted": "goal_id",
    "Goals_Indicators": "goal_id indicator_id",
    "Rubrics": "rubric_id",
    "Slos": "slo_id",
    "Aggregated_Slo_Assessments": "slo_id slo_assessment_id",
    "Trendings": "trending_id",
    "User_Artifacts": "artifact_id",
}

REFERENCES = {
    "Observation_Modified": "observation_group_id",
    "Goals_Modified": "goal_id",
    "User_Modified": "employee_id",
    "User_Rubrics_Modified": "employee_id",
}

AFFILIATIONS = {"User_Affiliations": "learner_employee_id observer_employee_id"}

ID_MAPS = [
    "artifact",
    "artifact_content",
    "goal",
    "indicator",
    "observation_group",
    "observation_template",
    "organization",
    "rubric",
    "slo_assessment",
    "slo",
    "slo_template",
    "step",
    "snapshot",
    "trending",
    "user",
    "user_group",
]

# What a row of Goals_Deleted takes out, and the files that name keys although they have rows of their own.
ENDED_BY_GOALS_DELETED = frozenset({"Goals.csv", "Goals_Indicators.csv", "Goal_Posts.csv", "Goals_Questions.csv"})
DEPRECATED = frozenset(
    {"Aggregated_EOY_Reports_Summary.csv", "Observation_Survey.csv", "Observation_Template_Scheduling_Groups.csv"}
)
ALIASES = {
    "employee_id_learner": "learner_employee_id",
    "employee_id_observer": "observer_employee_id",
    "observation_group_status": "observation_status",
    "indicator_text": "indicator_name",
}


@dataclass(frozen=True)
class Rule:
    """How the rows of one file become rows of a table; ``key`` names a row, or a whole list of rows."""

    file: str
    load: str
    key: tuple[str, ...]
    touched_by: str | None = None

    @property
    def table(self) -> str:
        """The file's table: its name in lower case without ``.csv``."""
        return self.file.removesuffix(".csv").lower()


def _all_rules() -> dict[str, Rule]:
    rules = [Rule(f"{name}.csv", "drop_insert", (key,), f"{by}.csv") for name, (key, by) in LISTS.items()]
    for load, files in (("upsert", UPSERTS), ("reference", REFERENCES), ("affiliation", AFFILIATIONS)):
        rules += [Rule(f"{name}.csv", load, tuple(key.split())) for name, key in files.items()]
    rules += [Rule(f"{kind}_ids.csv", "id_map", ("old_id",)) for kind in ID_MAPS]
    return {rule.file: rule for rule in rules}


RULES = _all_rules()
_BY_FOLDED_NAME = {file.casefold(): rule for file, rule in RULES.items()}

# The id maps share one table; reference files have none.
TABLES = (*(r.table for r in RULES.values() if r.load not in {"reference", "id_map"}), "id_map")


def rule_of(file: str) -> Rule | None:
    """Return the rule of a delivered file, ignoring case, or None for a deprecated or unlisted one."""
    return _BY_FOLDED_NAME.get(file.casefold())
