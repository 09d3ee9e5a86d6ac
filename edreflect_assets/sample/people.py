"""Schools, educators, their observers, and who observes whom."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field

from edreflect_assets.sample import words
from edreflect_assets.sample.affiliations import Affiliations
from edreflect_assets.sample.context import Context, flag

FIRST_EMPLOYEE_NUMBER = 100100


@dataclass
class School:
    """A school; ``id`` is its organization_id."""

    id: str
    name: str


@dataclass
class Person:
    """An educator or an observer with the lists that their user files hold."""

    employee_id: str
    user_id: str
    first_name: str
    last_name: str
    title: str
    school: School
    observes: bool
    created: str
    active: bool = True
    grades: list[str] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)
    subjects: list[str] = field(default_factory=list)
    rubrics: list[str] = field(default_factory=list)


class People:
    """Everyone with an account in one org. ``employee_id`` repeats from org to org, as it does between districts."""

    def __init__(self, context: Context, educators: int) -> None:
        self.context = context
        self.affiliations = Affiliations(context)
        names = words.SCHOOL_NAMES
        self.schools = [
            School(context.new_id("organization"), names[number % len(names)])
            for number in range(max(1, educators // 12))
        ]
        self.groups = {name: context.new_id("user_group") for name in words.GROUPS}
        self.roles = {name: context.new_id("role") for name in ("Educator", "Observer")}
        self._size = educators
        self._number = FIRST_EMPLOYEE_NUMBER
        self.observers: list[Person] = []
        self.educators: list[Person] = []

    def found(self, rubric_ids: list[str]) -> None:
        """Create everyone who has an account on the first day."""
        self._rubric_ids = rubric_ids
        for number in range(max(3, self._size // 10)):
            self.observers.append(self._person(self.schools[number % len(self.schools)], observes=True))
        for number in range(self._size):
            self._hire(self.schools[number % len(self.schools)])

    def step(self) -> None:
        """Let a day pass: new lists, other observers, other rubrics, arrivals and departures, artifacts."""
        count, rng = self.context.count, self.context.rng
        for person in self._some_educators(count(self._size / 40, at_least=1)):
            self._change_lists(person)
        for person in self._some_educators(count(self._size / 40, at_least=1)):
            self._reassign(person)
        for person in self._some_educators(count(self._size / 60, at_least=1)):
            person.rubrics = rng.sample(self._rubric_ids, rng.randint(0, len(self._rubric_ids)))
            self._publish_rubrics(person)
        for _ in range(count(0.3)):
            self._hire(rng.choice(self.schools))
        for person in self._some_educators(count(0.2)):
            self._depart(person)
        for person in self._some_educators(count(self._size / 20, at_least=1)):
            self._add_artifact(person)

    def active_educators(self) -> list[Person]:
        """Return the educators who have not left."""
        return [person for person in self.educators if person.active]

    def observer_of(self, person: Person) -> Person:
        """Return one of the observers whom the educator is affiliated with now, or any observer if there is none."""
        learners = self.affiliations.observers_of(person.employee_id)
        return next((o for o in self.observers if o.employee_id in learners), self.observers[0])

    def email_of(self, person: Person) -> str:
        """Return a person's work address."""
        return plain(f"{person.first_name}.{person.last_name}.{person.employee_id[-3:]}@{self.context.domain}")

    def _some_educators(self, number: int) -> list[Person]:
        present = self.active_educators()
        # one must stay for observations and goals to go on
        return self.context.rng.sample(present, min(number, max(0, len(present) - 1)))

    def _person(self, school: School, *, observes: bool) -> Person:
        self._number += 1
        # some districts pad the numbers of transferred staff: text that must not become a number
        employee_id = f"00{self._number % 10000:04}" if self._number % 17 == 0 else str(self._number)
        first_name, last_name = words.person_name(self.context.rng)
        rng = self.context.rng
        person = Person(
            employee_id=employee_id,
            user_id=self.context.new_id("user"),
            first_name=first_name,
            last_name=last_name,
            title="Principal" if observes else rng.choice(words.TITLES),
            school=school,
            observes=observes,
            created=self.context.moment(days_ago=rng.randint(40, 900)),
            grades=[] if observes else sorted(rng.sample(words.GRADES, rng.randint(1, 3))),
            groups=rng.sample(words.GROUPS, rng.randint(0, 2)),
            subjects=[] if observes else rng.sample(words.SUBJECTS, rng.randint(1, 2)),
            rubrics=list(self._rubric_ids) if observes else [self._rubric_ids[0]],
        )
        self._publish(person)
        self._publish_rubrics(person)
        return person

    def _hire(self, school: School) -> None:
        person = self._person(school, observes=False)
        self.educators.append(person)
        self._add_artifact(person)
        at_school = [observer for observer in self.observers if observer.school is school]
        observers = self.context.rng.sample(self.observers, 2)
        chosen = {at_school[0].employee_id if at_school else observers[0].employee_id: "supervisor"}
        if self.context.rng.random() < 0.3:
            chosen.setdefault(observers[1].employee_id, "coach")
        for observer_id, affiliation_type in chosen.items():
            self.affiliations.open(person.employee_id, observer_id, affiliation_type)

    def _change_lists(self, person: Person) -> None:
        rng = self.context.rng
        if len(person.grades) > 1 and rng.random() < 0.6:
            person.grades.pop(rng.randrange(len(person.grades)))
        else:
            person.subjects = rng.sample(words.SUBJECTS, rng.randint(0, 2))
        person.groups = rng.sample(words.GROUPS, rng.randint(0, 2))
        self._publish(person)

    def _reassign(self, person: Person) -> None:
        """Give an educator another observer; the old pair vanishes from the export, or is exported as ended."""
        rng, learner = self.context.rng, person.employee_id
        present = self.affiliations.observers_of(learner)
        others = [observer.employee_id for observer in self.observers if observer.employee_id not in present]
        if not present or not others:
            return
        if rng.random() < 0.75:
            self.affiliations.vanish(learner, present[0])
            self._publish(person)
        else:
            self.affiliations.end(learner, present[0])
        self.affiliations.open(learner, rng.choice(others), "supervisor")

    def _depart(self, person: Person) -> None:
        person.active, person.groups, person.subjects = False, [], []
        for observer_id in self.affiliations.observers_of(person.employee_id):
            self.affiliations.vanish(person.employee_id, observer_id)
        self._publish(person)

    def _publish(self, person: Person) -> None:
        tables, key = self.context.tables, person.employee_id
        self.context.touch("User_Modified.csv", key)
        account = {
            "user_id": person.user_id,
            "email": self.email_of(person),
            "first_name": person.first_name,
            "last_name": person.last_name,
            "is_active": flag(person.active),
            "title": person.title,
            "created_date": person.created,
        }
        role = "Observer" if person.observes else "Educator"
        tables.put_list("User_Accounts.csv", key, [account])
        tables.put_list("User_Grades.csv", key, [{"grade": grade} for grade in person.grades])
        tables.put_list("User_Subjects.csv", key, [{"subject": subject} for subject in person.subjects])
        groups = [{"group_id": self.groups[name], "group_name": name} for name in person.groups]
        tables.put_list("User_Groups.csv", key, groups)
        roles = {
            "role_id": self.roles[role],
            "role_name": role,
            "organization_id": person.school.id,
            "organization_name": person.school.name,
        }
        tables.put_list("User_Roles.csv", key, [roles] if person.active else [])

    def _publish_rubrics(self, person: Person) -> None:
        self.context.touch("User_Rubrics_Modified.csv", person.employee_id)
        rows = [{"rubric_id": rubric_id} for rubric_id in person.rubrics]
        self.context.tables.put_list("User_Rubrics.csv", person.employee_id, rows)

    def _add_artifact(self, person: Person) -> None:
        artifact_id = self.context.new_id("artifact")
        name, kind = self.context.rng.choice(
            (("Lesson plan, week 6", "document"), ("Student work: ratios", "image"), ('"Do now" routine', "video"))
        )
        row = {
            "artifact_id": artifact_id,
            "employee_id": person.employee_id,
            "artifact_name": name,
            "artifact_type": kind,
            "artifact_url": f"https://files.{self.context.domain}/artifacts/{artifact_id}",
            "artifact_created_date": self.context.moment(),
        }
        self.context.tables.put("User_Artifacts.csv", row)


def plain(address: str) -> str:
    """Return an e-mail address without accents, spaces and apostrophes."""
    letters = unicodedata.normalize("NFKD", address.lower().replace("ł", "l").replace("ø", "o"))
    return "".join(letter for letter in letters if letter.isascii() and (letter.isalnum() or letter in "._-@"))
