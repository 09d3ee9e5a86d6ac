"""Rubrics: the indicators by which practice is rated, and the levels of each."""

from __future__ import annotations

from dataclasses import dataclass, field

from edreflect_assets.sample import words
from edreflect_assets.sample.context import Context, flag


@dataclass
class Indicator:
    """A domain (level 1) or what is rated in it (level 2), with the ids and descriptions of its levels."""

    id: str
    parent_id: str
    code: str
    name: str
    level: int
    level_ids: list[str] = field(default_factory=list)
    level_descriptions: list[str] = field(default_factory=list)


@dataclass
class Rubric:
    """A rubric with its indicators in order."""

    id: str
    name: str
    type: str
    school_year: str
    indicators: list[Indicator] = field(default_factory=list)

    @property
    def rated(self) -> list[Indicator]:
        """The indicators that are rated: those below a domain."""
        return [indicator for indicator in self.indicators if indicator.level == 2]


class Rubrics:
    """An org's rubrics; ``domains`` says how many domains each has."""

    def __init__(self, context: Context, domains: int) -> None:
        self._context = context
        self._domains = domains
        self.rubrics: list[Rubric] = []

    def found(self) -> None:
        """Create the rubrics of the first day."""
        for name, kind in (("Classroom Practice, revised", "teacher"), ("Mentor Practice", "mentor")):
            rubric = Rubric(self._context.new_id("rubric"), name, kind, self._context.school_year)
            for number, (domain, names) in enumerate(words.DOMAINS[: self._domains], start=1):
                parent = Indicator(self._context.new_id("indicator"), "", f"{number}", domain, 1)
                rubric.indicators.append(parent)
                for letter, indicator in zip("abcd", names, strict=False):
                    rubric.indicators.append(self._indicator(parent, f"{number}{letter}", indicator))
            self.rubrics.append(rubric)
            self._publish(rubric)

    def step(self) -> None:
        """Now and then reword a level, retire an indicator or bring in a new one."""
        context = self._context
        for _ in range(context.count(0.4)):
            rubric = context.rng.choice(self.rubrics)
            indicator = context.rng.choice(rubric.rated)
            change = context.rng.random()
            if change < 0.5:
                place = context.rng.randrange(len(indicator.level_descriptions))
                indicator.level_descriptions[place] += " Reviewed."
            elif change < 0.75 and len(rubric.rated) > 3:
                rubric.indicators.remove(indicator)
            elif len(rubric.indicators) < 24:
                parent = context.rng.choice([known for known in rubric.indicators if known.level == 1])
                code = f"{parent.code}{'efghijklmnopqrstuvwxyz'[len(rubric.indicators) % 22]}"
                rubric.indicators.append(self._indicator(parent, code, "Use of technology"))
            self._publish(rubric)

    def _indicator(self, parent: Indicator, code: str, name: str) -> Indicator:
        levels = [self._context.new_id("proficiency_level") for _ in words.LEVELS]
        indicator_id = self._context.new_id("indicator")
        return Indicator(indicator_id, parent.id, code, name, 2, levels, list(words.LEVEL_DESCRIPTIONS))

    def _publish(self, rubric: Rubric) -> None:
        tables = self._context.tables
        row = {
            "rubric_id": rubric.id,
            "rubric_name": rubric.name,
            "rubric_type": rubric.type,
            "is_active": flag(True),
            "school_year": rubric.school_year,
        }
        tables.put("Rubrics.csv", row)
        indicators = [
            {
                "indicator_id": indicator.id,
                "parent_indicator_id": indicator.parent_id,
                "indicator_code": indicator.code,
                "indicator_name": indicator.name,
                "indicator_level": str(indicator.level),
                "indicator_order": str(order),
            }
            for order, indicator in enumerate(rubric.indicators, start=1)
        ]
        tables.put_list("Indicators.csv", rubric.id, indicators)
        levels = [
            {
                "indicator_id": indicator.id,
                "proficiency_level_id": level_id,
                "level_name": words.LEVELS[place],
                "level_value": str(place + 1),
                "level_description": description,
            }
            for indicator in rubric.rated
            for place, (level_id, description) in enumerate(
                zip(indicator.level_ids, indicator.level_descriptions, strict=True)
            )
        ]
        tables.put_list("Indicator_Proficiency_Levels.csv", rubric.id, levels)
