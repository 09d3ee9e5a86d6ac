"""What goes wrong between a source and its reader: rows forgotten, keys lost, values mistyped, files gone or mangled."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from random import Random

from tests.model.records import columns_of
from tests.model.rules import ALIASES, DEPRECATED
from tests.properties.sheets import UNCASTABLE, Fields, Sheet, quoted, random_row

Spoiler = Callable[[Random, Sheet], Sheet]


def spoiled(random: Random, sheets: Mapping[str, Sheet]) -> dict[str, bytes | None]:
    """Return the files of one delivery, some of them spoiled; now and then one that refuses the whole delivery."""
    files: dict[str, bytes | None] = {}
    for file, sheet in sheets.items():
        if random.random() < 0.1:
            continue
        for spoil in SPOILERS:
            if random.random() < 0.12:
                sheet = spoil(random, sheet)  # noqa: PLW2901
        files[file] = written(random, sheet)
    if random.random() < 0.05:
        files[random.choice(sorted(DEPRECATED | {"Read_Me.csv"}))] = b"anything\n"
    if files and sheets and random.random() < 0.06:
        file = random.choice(sorted(sheets))
        files[file] = random.choice((b"", b"unheard_of\nx\n", _with_a_column_twice(sheets[file])))
    return files


def forgetful(random: Random, sheet: Sheet) -> Sheet:
    """Leave out some rows."""
    return replace(sheet, rows=tuple(row for row in sheet.rows if random.random() < 0.6))


def header_only(random: Random, sheet: Sheet) -> Sheet:
    """Leave out every row."""
    return replace(sheet, rows=())


def repeated_row(random: Random, sheet: Sheet) -> Sheet:
    """Deliver a row twice."""
    return _with(random, sheet, random.choice(sheet.rows)) if sheet.rows else sheet


def rival_row(random: Random, sheet: Sheet) -> Sheet:
    """Deliver two rows with the same key and other values."""
    if not sheet.rows:
        return sheet
    row = random.choice(sheet.rows)
    return _with(random, sheet, random_row(random, sheet.rule, {name: row[name] for name in sheet.rule.key}))


def stray_row(random: Random, sheet: Sheet) -> Sheet:
    """Deliver a row that nothing announced."""
    return _with(random, sheet, random_row(random, sheet.rule, {}))


def null_key(random: Random, sheet: Sheet) -> Sheet:
    """Lose a part of a row's key."""
    return _changed(random, sheet, {random.choice(sheet.rule.key): None})


def uncastable_value(random: Random, sheet: Sheet) -> Sheet:
    """Deliver a value that is not of its column's type."""
    typed = [(name, data_type) for name, data_type in columns_of(sheet.rule).items() if data_type in UNCASTABLE]
    if not typed:
        return sheet
    name, data_type = random.choice(typed)
    return _changed(random, sheet, {name: random.choice(UNCASTABLE[data_type])})


def shuffled(random: Random, sheet: Sheet) -> Sheet:
    """Deliver the rows in another order."""
    return replace(sheet, rows=tuple(random.sample(sheet.rows, len(sheet.rows))))


SPOILERS: tuple[Spoiler, ...] = (
    forgetful, header_only, repeated_row, rival_row, rival_row, stray_row, null_key, uncastable_value, uncastable_value,
    shuffled,
)  # fmt: skip


def written(random: Random, sheet: Sheet) -> bytes:
    """Return the sheet as CSV in one of the many ways in which the loader must be able to read it."""
    names = [n for n in columns_of(sheet.rule) if n in sheet.rule.key or random.random() < 0.97]
    if random.random() < 0.2:
        names = random.sample(names, len(names))
    extra = ["surprise"] if random.random() < 0.08 else []
    header = [_spelt(random, name) for name in (*names, *extra)]
    lines = [",".join(header).encode()]
    for row in sheet.rows:
        fields = [_field(random, row[name], alone=len(header) == 1) for name in names] + ["extra" for _ in extra]
        lines.append(",".join(fields).encode())
    if random.random() < 0.08:
        lines.insert(random.randint(1, len(lines)), ",".join(["ragged"] * (len(header) + 1)).encode())
    if random.random() < 0.04:
        lines.insert(random.randint(1, len(lines)), b",".join([b"caf\xe9"] * len(header)))
    end = b"\r\n" if random.random() < 0.15 else b"\n"
    bom = b"\xef\xbb\xbf" if random.random() < 0.15 else b""
    return bom + end.join(lines) + (b"" if random.random() < 0.1 else end)


def _with(random: Random, sheet: Sheet, row: Fields) -> Sheet:
    at = random.randint(0, len(sheet.rows))
    return replace(sheet, rows=(*sheet.rows[:at], row, *sheet.rows[at:]))


def _changed(random: Random, sheet: Sheet, values: Fields) -> Sheet:
    if not sheet.rows:
        return sheet
    at = random.randrange(len(sheet.rows))
    return replace(sheet, rows=(*sheet.rows[:at], {**sheet.rows[at], **values}, *sheet.rows[at + 1 :]))


def _spelt(random: Random, name: str) -> str:
    spellings = [
        name.upper(),
        name.title(),
        f" {name} ",
        *(alias for alias, column in ALIASES.items() if column == name),
    ]
    return random.choice(spellings) if random.random() < 0.1 else name


def _field(random: Random, value: str | None, *, alone: bool) -> str:
    if not value and not alone and random.random() < 0.5:
        return ""
    return quoted(value, always=random.random() < 0.1)


def _with_a_column_twice(sheet: Sheet) -> bytes:
    names = list(columns_of(sheet.rule))
    return ",".join([*names, names[-1]]).encode() + b"\n"
