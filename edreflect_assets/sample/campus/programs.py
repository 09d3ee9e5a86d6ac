"""What the programs of a simulated district are called, are for, and count as."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from edreflect_assets.sample.context import flag
from edreflect_assets.sample.tables import Row

LONGEST_NAME = 36
FIRST_ID = 101
NO_COHORT = "Club"

_COHORTS = ("Cohort: Cohort", "Cohort", "Cohort")
_LONGEST = ("Dual Language: Spanish and English I", "Half of the day in each language; admission by lottery.")
_PROGRAMS = (
    ("College Readiness, Grade 9", "Study skills, and tutoring twice a week."),
    ("Reading Support, Tier 2", ""),
    ("Newcomers' English", "First year in the country."),
    ("Études françaises, niveau II", 'Reading group; "Le Petit Prince" first.'),
    ("Career Pathway: Health Sciences", "With two weeks at the county hospital."),
    ("Robotics", "Builds for the spring tournament."),
    ("Early College", "Courses at the community college, Tuesday and Thursday.\nA counselor signs each one."),
    ("Grade 6 Transition Mentoring", ""),
    ("Math Lab", "Three periods a week beside the regular class."),
    ("Peer Mediators", "Trained in August; on call at lunch."),
    ("Credit Recovery", "Evenings, in the library."),
    ("Attendance Circle", ""),
    ("Gifted and Talented", "Identified in grade 3 or later."),
    ("Summer Bridge to Algebra", "Goes on until the first report cards."),
    ("Young Scientists", "One project each, shown in May."),
)
_CLUBS = ("Chess Club", "Garden Club", "Yearbook", "Ski Trip")
_REMARKS = (
    "Meets in another room since this week.",
    "Two places are free.",
    "Now with a second group, in the afternoon.",
    "Ends a week later than planned.",
)


@dataclass
class Program:
    """A program; its id never changes, its name and description may."""

    id: str
    name: str
    category: str
    description: str

    @property
    def is_cohort(self) -> bool:
        """Whether its category says so."""
        return self.category != NO_COHORT

    def rename(self) -> None:
        """Give it another name, of no more than LONGEST_NAME characters."""
        self.name = f"{self.name[: LONGEST_NAME - 7].rstrip(' ,:')} Cohort"

    def remark(self, rng: Random) -> None:
        """Change its description."""
        known = next((text for name, text in (_LONGEST, *_PROGRAMS) if self.name.startswith(name)), "")
        remarks = [text for text in _REMARKS if not self.description.endswith(text)]
        self.description = f"{known} {rng.choice(remarks)}".lstrip()


def some_programs(rng: Random, number: int) -> list[Program]:
    """Return programs of different names; the second of several is no cohort, the third has the longest name."""
    first = rng.randrange(len(_PROGRAMS))
    others = iter(range(first, first + number))
    programs = []
    for place in range(number):
        if place == 1:
            name, description, category = rng.choice(_CLUBS), "", NO_COHORT
        elif place == 2:
            (name, description), category = _LONGEST, "Cohort"
        else:
            which = next(others)
            (name, description), category = _PROGRAMS[which % len(_PROGRAMS)], _COHORTS[place % len(_COHORTS)]
            if which >= first + len(_PROGRAMS):
                name = f"{name[: LONGEST_NAME - 6].rstrip(' ,:')} {(which - first) // len(_PROGRAMS) + 1}"
        programs.append(Program(str(FIRST_ID + place), name, category, description))
    return programs


def preferences() -> list[Row]:
    """Return resource_preferences.csv: both categories of cohorts are mapped, a third one is not."""
    return [
        _preference("Cohort", "District", "Academic Intervention", mapped=True),
        _preference("Cohort: Cohort", "School", "Other", mapped=True),
        _preference(NO_COHORT, "", "", mapped=False),
    ]


def toggles() -> list[Row]:
    """Return resource_toggles.csv: everything is on."""
    resources = ("cohorts", "studentCohortAssociations", "staffCohortAssociations")
    return [{"resource": resource, "enabled": flag(True)} for resource in resources]


def _preference(category: str, scope: str, kind: str, *, mapped: bool) -> Row:
    return {
        "program_category": category,
        "cohort_scope_code": scope,
        "cohort_type_code": kind,
        "mapped": flag(mapped),
    }
