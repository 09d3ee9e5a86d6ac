"""Four orgs that leave: one with a trouble of every kind, one without any, two of which no snapshot is shown.

Everything is delivered as files and loaded and built by the command line. Texts, names and e-mail addresses in the files
hold MARK, so that a test can look for them where they do not belong.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from edreflect_assets.cli.app import main
from edreflect_assets.database import connect
from edreflect_assets.settings import Settings
from edreflect_assets.warehouse.build import run_dbt
from tests.model.database import fresh_database

TROUBLED, CLEAN, NOTHING, WAITING = "springfield", "shelbyville", "ogdenville", "brockway"
# What a report reads; the published views are nothing to it.
SELECTION = [
    "staging.edreflect",
    "reconciled.edreflect",
    "reconciled.offboarding",
    "marts.educators.snapshot",
    "marts__person_ids",
    "marts__person_conflicts",
]
# What must never be seen: it stands in names, addresses and texts.
MARK = "Quimby"
BEFORE, SNAPSHOT, AFTER, LATER = (date(2026, 3, day) for day in (5, 10, 12, 20))
OLDER, LEGACY = date(2026, 2, 1), date(2020, 7, 31)

# The groups of which every complete snapshot has a file.
REST = {
    f"{group}.csv": "_id\nd1\n"
    for group in ("artifacts", "assignments", "evidences", "groups", "observationTemplates", "rubrics", "snapshots")
}
USERS = "_id,email,oldID,fname,lname,employeeID,isActive,createdDate\n"
OBSERVATIONS = "_id,type,status,learnerId,observerId,schoolYear,createdDate\n"
DAILY_OBSERVATIONS = (
    "observation_group_id,observation_type,observation_status,learner_employee_id,observer_employee_id,school_year,"
    "school_year_id,observation_created_date\n"
)
DAILY_ACCOUNTS = "employee_id,user_id,email,first_name,last_name,is_active,title,created_date\n"
DAILY_RATINGS = (
    "observation_group_id,rating_id,step_id,rubric_id,indicator_id,proficiency_level_id,rating_value,"
    "rated_by_employee_id,rated_date\n"
)
RATED = "2026-01-02T10:00:00"
MADE = "2026-01-01T09:00:00"


def account(user: str, number: str) -> str:
    """A line of users.csv."""
    return f"{user},{user}.{MARK}@example.org,,First {MARK},Last {MARK},{number},true,{MADE}\n"


def daily_account(number: str, user: str) -> str:
    """A line of User_Accounts.csv that says the same, and a title that the snapshot does not have."""
    return f"{number},{user},{user}.{MARK}@example.org,First {MARK},Last {MARK},true,Dr. {MARK},{MADE}\n"


def observation(document: str, status: str = "completed", year: int = 2025) -> str:
    """A line of observations.csv."""
    return f"{document},formal,{status},u1,u2,{year},{MADE}\n"


def daily_observation(document: str, status: str = "completed", year: int = 2025) -> str:
    """The same line in Observations.csv."""
    return f"{document},formal,{status},e1,e2,{year},{year - 2009},{MADE}\n"


def ratings(*rated: tuple[str, str, str]) -> dict[str, str]:
    """The files of ratings for (observation, rating, value), each in a document and a set of its own."""
    return {
        "ratings.csv": "_id,observationId,userId,createdDate\n" + "".join(f"r{r},{o},u2,{MADE}\n" for o, r, _ in rated),
        "ratings.sets.csv": "_id,setId,rubricId,stepId\n" + "".join(f"r{r},s{r},rub,step\n" for _, r, _ in rated),
        "ratings.sets.ratings.csv": "_id,setId,ratingId,indicatorId,proficiencyLevelId,value,ratedDate\n"
        + "".join(f"r{r},s{r},{r},ind,level,{value},{RATED}\n" for _, r, value in rated),
    }


def daily_ratings(*rated: tuple[str, str, str]) -> str:
    """The same in Ratings.csv."""
    return DAILY_RATINGS + "".join(f"{o},{r},step,rub,ind,level,{value},e2,{RATED}\n" for o, r, value in rated)


def modified(*documents: str) -> str:
    """Observation_Modified.csv."""
    header = "observation_group_id,observation_modified_date\n"
    return header + "".join(f"{document},2026-03-01T10:00:00\n" for document in documents)


CLEAN_SNAPSHOT = {
    **REST,
    "users.csv": USERS + account("u1", "e1") + account("u2", "e2"),
    "observations.csv": OBSERVATIONS + observation("o1") + observation("o2"),
    **ratings(("o1", "1", "2"), ("o1", "2", "3.0")),
}
CLEAN_DAY = {
    "User_Modified.csv": "employee_id,user_modified_date\ne1,2026-03-01\ne2,2026-03-01\n",
    "User_Accounts.csv": DAILY_ACCOUNTS + daily_account("e1", "u1") + daily_account("e2", "u2"),
    "Observation_Modified.csv": modified("o1", "o2"),
    "Observations.csv": DAILY_OBSERVATIONS + daily_observation("o1") + daily_observation("o2"),
    "Ratings.csv": daily_ratings(("o1", "2", "3"), ("o1", "1", "2.0")),
}

TROUBLED_SNAPSHOT = {
    **REST,
    # one record that cannot be read among many, one account without a number, one value that does not fit
    "users.csv": USERS
    + account("u1", "e1")
    + account("u2", "e2")
    + account("u4", "")
    + account("u7", "e7").replace(MADE, f"whenever {MARK} came")
    + "".join(account(f"x{n}", f"ex{n}") for n in range(40))
    + f"u8,too,many,cells,{MARK},1,2,3,4,5,6\n",
    "observations.csv": OBSERVATIONS + observation("o1", "cancelled") + observation("o2") + observation("o5"),
    **ratings(("o1", "1", "2"), ("o1", "2", "4"), ("o2", "3", "1"), ("o5", "5", "1")),
    "observations.work.csv": "_id,workId,feedback\n"
    + "".join(f"{document},w1,Well done {MARK}\n" for document in ("o1", "lost1", "lost2")),
    "goals.csv": f"_id,title,createdBy\ng1,Goal of {MARK},u1\ng2,Other {MARK},u1\n",
    "goals.reactions.csv": f"_id,emoji\ng1,{MARK}\n",
    "users.definitions.csv": "Field,Description\n_id,The document\n",
    "forms.csv": f"_id,text\nf1,{MARK}\n",
    "readme.txt": MARK,
}
TROUBLED_DAYS: dict[str, Mapping[str, str]] = {
    f"export/{BEFORE}": {
        "User_Modified.csv": "employee_id,user_modified_date\ne1,2026-03-01\ne2,2026-03-01\n",
        # one number, two accounts
        "User_Accounts.csv": DAILY_ACCOUNTS
        + daily_account("e1", "u1")
        + daily_account("e1", "u3")
        + daily_account("e2", "u2")
        + "".join(daily_account(f"ex{n}", f"x{n}") for n in range(40)),
        "Observation_Modified.csv": modified("o1", "o2", "o3"),
        "Observations.csv": DAILY_OBSERVATIONS + "".join(map(daily_observation, ("o1", "o2", "o3"))),
        "Ratings.csv": daily_ratings(
            ("o1", "1", "2"), ("o1", "2", "3"), ("o2", "3", "1"), ("o2", "4", "1"), ("o5", "5", "1")
        ),
        "Observation_Comments.csv": "observation_group_id,indicator_id,commenter_employee_id,comment\n"
        f"o1,ind,e2,Comment of {MARK}\n",
        "Goals.csv": "goal_id,employee_id,goal_title\n" + f"g1,e1,Goal of {MARK}\ng2,e1,Other {MARK}\n",
    },
    # after the snapshot: a status, an observation, a list that was emptied, a goal that was deleted
    f"export/{AFTER}": {
        "Observation_Modified.csv": modified("o2", "o4", "o5"),
        "Observations.csv": DAILY_OBSERVATIONS + daily_observation("o2", "archived") + daily_observation("o4"),
        "Ratings.csv": daily_ratings(("o2", "3", "1")),
        "Goals_Deleted.csv": "goal_id,goal_deleted_date\ng2,2026-03-11\n",
    },
    # the year is not that of its id; one observation has a new id, none of the templates has
    f"legacy/{LEGACY}": {
        "Observations.csv": "observation_group_id,observation_template_id,learner_employee_id,school_year,school_year_id\n"
        "old1,t1,e1,2018,9\nold8,t1,e1,2018,9\nold9,t2,e1,2018,8\n",
    },
    "export/all": {"observation_group_ids.csv": "old_id,new_id\nold1,o1\n"},
    f"offboarding/{OLDER}": {name: text for name, text in CLEAN_SNAPSHOT.items() if name != "users.csv"},
    f"offboarding/{SNAPSHOT}": TROUBLED_SNAPSHOT,
    f"offboarding/{LATER}": {"users.csv": USERS + account("u1", "e1")},
}


@dataclass(frozen=True)
class World:
    """Where the files are, and a command line that works on what was built of them."""

    settings: Settings
    delivered: Path
    outputs: list[str]

    def run(self, *arguments: object) -> Result:
        """Run ``edreflect``; what it prints is kept."""
        result = CliRunner().invoke(main, [str(argument) for argument in arguments])
        self.outputs.append(result.output)
        return result


@contextmanager
def offboarding_world(server: Settings, template: str, root: Path) -> Iterator[World]:
    """Yield the world, loaded and built; the environment names it meanwhile."""
    with fresh_database(server, template, root / "home") as settings, pytest.MonkeyPatch.context() as patch:
        patch.setenv("EDREFLECT_HOME", str(settings.home))
        patch.setenv("EDREFLECT_DATABASE_URL", settings.database_url or "")
        world = World(settings, root / "delivered", [])
        for org in (TROUBLED, CLEAN, NOTHING, WAITING):
            assert world.run("orgs", "add", org).exit_code == 0
        for folder, files in TROUBLED_DAYS.items():
            write(world.delivered / TROUBLED / folder, files)
        write(world.delivered / CLEAN / f"offboarding/{SNAPSHOT}", CLEAN_SNAPSHOT)
        write(world.delivered / CLEAN / f"export/{BEFORE}", CLEAN_DAY)
        loaded = world.run("load", "--source", world.delivered)
        assert loaded.exit_code == 0, loaded.output
        report = run_dbt(settings, ["run", "--select", *SELECTION])
        assert report.failures == (), report.failures
        with closing(connect(settings)) as connection, connection, connection.cursor() as cursor:
            cursor.execute(
                "insert into ops.builds (finished_at, status) values ('2026-03-21 04:05:06+00', 'succeeded')"
            )
        yield world


def write(folder: Path, files: Mapping[str, str]) -> None:
    """Write files into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
