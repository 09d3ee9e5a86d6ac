"""Observation templates: the steps of a cycle, their forms and the questions on them."""

from __future__ import annotations

from dataclasses import dataclass

from edreflect_assets.sample.context import Context

_CYCLES = (
    ("Formal observation", "formal", ("Pre-conference", "Classroom visit", "Post-conference")),
    ("Walkthrough", "informal", ("Classroom visit",)),
    ("Peer visit, mentors", "peer", ("Classroom visit", "Post-conference")),
)
_QUESTIONS = {
    "Pre-conference": (
        "What will students learn, and how will you know?",
        'Which students need something other than the "usual" task?',
    ),
    "Classroom visit": ("What did students say, do, and make?",),
    "Post-conference": ("What went as planned, what did not?", "What will you try next?"),
}


@dataclass(frozen=True)
class Form:
    """A form of a step with the ids and texts of its questions."""

    id: str
    name: str
    type: str
    questions: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Template:
    """A kind of observation; ``steps`` are the names of its steps with the form of each."""

    id: str
    name: str
    type: str
    steps: tuple[tuple[str, Form], ...]


def found_templates(context: Context) -> list[Template]:
    """Create an org's observation templates."""
    return [
        Template(
            context.new_id("observation_template"),
            name,
            kind,
            tuple((step, _form(context, step)) for step in steps),
        )
        for name, kind, steps in _CYCLES
    ]


def _form(context: Context, step: str) -> Form:
    questions = tuple((context.new_id("question"), text) for text in _QUESTIONS[step])
    return Form(context.new_id("form"), f"{step} form", "evidence" if step == "Classroom visit" else "talk", questions)
