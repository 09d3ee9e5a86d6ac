"""What the people of a simulated district are called and write. Every name and sentence is made up."""

from __future__ import annotations

from random import Random

ORG_NAMES = ("maple_valley", "cedar_ridge", "north_lake", "harbor_point", "stone_creek", "prairie_view")
SCHOOL_NAMES = (
    "Alder Elementary",
    "Brightwater Middle School",
    "Copper Hill High School",
    "Dovecote Academy, North Campus",
    "École Entrepont",
    "Foxglove Elementary",
    "Granite Street School",
    'Horizon "H3" High School',
)
FIRST_NAMES = (
    "Amara",
    "Beatriz",
    "Camille",
    "Dmitri",
    "Elif",
    "Farid",
    "Greta",
    "Hana",
    "Ivo",
    "Jolene",
    "Kwame",
    "Lena",
    "Marek",
    "Nadia",
    "Odell",
    "Priya",
    "Quentin",
    "Rosa",
    "Sven",
    "Tomasz",
    "Uma",
    "Viola",
    "Wren",
    "Xenia",
    "Yusuf",
    "Zoë",
    "Siobhán",
    "José",
    "Łukasz",
    "Åsa",
    "Renée",
    "Björn",
    "Chloé",
    "Inês",
    "Dušan",
)
LAST_NAMES = (
    "Abara",
    "Bellweather",
    "Castañeda",
    "Dunmore",
    "Eklöf",
    "Farrow",
    "Grünwald",
    "Hollis",
    "Iverson",
    "Jankowska",
    "Kimura",
    "Løvdal",
    "Marchetti",
    "Nguyễn",
    "O'Farrell",
    "Petrović",
    "Quill",
    "Rosenthal",
    "St. Claire",
    "Tavares",
    "Underhill",
    "Vantongeren",
    "Whitlock",
    "Young-Baptiste",
    "Zapata Ruiz",
)
TITLES = ("Teacher", "Lead Teacher", "Special Education Teacher", "Interventionist", "Teacher, Long-Term Substitute")
SUBJECTS = ("Mathematics", "Reading", "Science", "Social Studies", "Visual Arts", "Music", "World Languages, French")
GRADES = ("K", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12")
GROUPS = ("New Educators", "Continuing Educators", "Mentors", "Pilot: peer visits")

DOMAINS = (
    ("Planning", ("Clear learning goals", "Use of student data", "Sequence of tasks")),
    ("Classroom climate", ("Respectful talk", "Routines and transitions", "Use of space")),
    ("Instruction", ("Questioning", "Student engagement", "Checks for understanding", "Feedback to students")),
    ("Professional growth", ("Reflection", "Work with families")),
)
LEVELS = ("Beginning", "Developing", "Proficient", "Distinguished")
LEVEL_DESCRIPTIONS = (
    "Seldom seen; students depend on prompts.",
    "Seen at times, with uneven effect.",
    "Seen consistently, and most students respond.",
    "Seen throughout; students carry it on by themselves.",
)

_OPENINGS = (
    "Students settled within two minutes",
    "The goal was on the board, and most could restate it",
    'One student said, "I can prove it another way"',
    "Pairs compared answers before the whole group spoke",
    "Wait time was short after the first questions",
    "The exit ticket matched the goal",
    "Materials were ready, labeled, and within reach",
)
_DETAILS = (
    "; next time, note who has not spoken yet.",
    ", which kept the pace up.",
    ".\nTwo tables needed a second explanation.",
    "; see the timestamps in my notes (9:14, 9:31).",
    "—a clear gain since September.",
    ".\n\nQuestion for our talk: how did you choose the groups?",
    ".",
    ", about 80% of the class.",
)
_NEXT_STEPS = (
    "Plan three open questions per lesson and write them down beforehand.",
    "Visit a colleague's room, then describe one routine worth borrowing.",
    'Replace "any questions?" with a task every student answers.',
    "Share the goal in student language; ask two students to restate it.",
)
_ANSWERS = (
    "We are halfway through the unit on ratios.",
    "I expect the second task to be hard, so I prepared a worked example.",
    "They could explain the method; the reasons came slower.",
    "Nothing to add",
    "Four students use a word bank, two read aloud with a partner.",
    "Nächstes Mal: start with the picture, not with the text.",
)
_GOALS = (
    ("More student talk", "Students speak at least half of the time in discussions, measured twice a month."),
    ("Feedback that is used", "Each student revises one piece of work a week, using written feedback."),
    ("Calmer transitions", "From eight minutes a day to three, by November."),
    ("Families as partners", "Two messages home per student and term, one of them good news."),
)
_POSTS = (
    "Tried it with period 3 today; slower than planned, but calmer.",
    "Data attached: 14 of 22 students revised at least once.",
    "Could we look at this together on Thursday?\nI have a question about the rubric.",
    "Moving the target to 75%, see our talk.",
)


def person_name(rng: Random) -> tuple[str, str]:
    """Return a first and a last name."""
    return rng.choice(FIRST_NAMES), rng.choice(LAST_NAMES)


def comment(rng: Random) -> str:
    """Return an observer's comment; commas, quotes and line breaks are frequent."""
    return rng.choice(_OPENINGS) + rng.choice(_DETAILS)


def next_step(rng: Random) -> str:
    """Return a suggestion to the observed educator."""
    return rng.choice(_NEXT_STEPS)


def answer(rng: Random) -> str:
    """Return an answer to a question of a form."""
    return rng.choice(_ANSWERS)


def goal(rng: Random) -> tuple[str, str]:
    """Return the title and the description of a professional growth goal."""
    return rng.choice(_GOALS)


def post(rng: Random) -> str:
    """Return a post below a goal."""
    return rng.choice(_POSTS)
