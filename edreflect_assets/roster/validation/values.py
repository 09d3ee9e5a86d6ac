"""Values one by one: whether each is there where it must be, and is what its column asks for."""

from __future__ import annotations

import polars as pl

from edreflect_assets.contracts import Column
from edreflect_assets.roster.findings import FindingLog
from edreflect_assets.roster.validation.keys import GUID_CHARACTERS, MAX_GUID_CHARACTERS

_GUID_BYTES = "".join(sorted(GUID_CHARACTERS)).encode()
_NOT_GUID = r"[^0-9A-Za-z.\-_/@]"
_DATE = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
# As Postgres reads it: a leap second in any minute, midnight also as the end of a day but nothing later than it, offsets
# below 16 hours.
_FRACTION = r"(?:[.][0-9]{1,30})?"
_ZERO = r"(?:[.]0{1,30})?"
_TIME = (
    rf"(?:(?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9]{_FRACTION})?"
    rf"|(?:(?:[01][0-9]|2[0-2]):[0-5][0-9]|23:(?:[0-4][0-9]|5[0-8])):60{_FRACTION}"
    rf"|23:59:60{_ZERO}|24:00(?::00{_ZERO})?)"
)
_OFFSET = r"(?:Z|[+-](?:0[0-9]|1[0-5])(?::?[0-5][0-9])?)"
_DATETIME = rf"^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}(?:[T ]{_TIME}{_OFFSET}?)?$"
_YEAR = r"^[0-9]{4}$"
_USER_IDS = r"^ *\{[^{}:,]+:[^{}]+\}(?: *, *\{[^{}:,]+:[^{}]+\})* *$"
_BOOLEANS = {
    **dict.fromkeys(["true", "t", "yes", "y", "on", "1"], True),
    **dict.fromkeys(["false", "f", "no", "n", "off", "0"], False),
}
# https://ceds.ed.gov/element/000100 (entry grade level), as far as OneRoster's vocabulary takes it.
CEDS_GRADES = ("IT", "PR", "PK", "TK", "KG", *(f"{grade:02}" for grade in range(1, 14)), "PS", "UG", "Other")


class Values:
    """The checks of one column of one file; ``required`` says whether a value must be there."""

    def __init__(self, column: Column, file: str, log: FindingLog, *, required: bool) -> None:
        self._name = column.name
        self._header = column.header or column.name
        self._column = column
        self._file = file
        self._log = log
        self._required = required

    def check(self, frame: pl.DataFrame) -> pl.Series | None:
        """Judge the column in ``frame`` and return its values typed; None for lists, see ``items``.

        Enumerations come in the contract's spelling, dates and booleans as such, other texts as delivered; a value that
        is not one of its type is null.
        """
        column, values = self._column, frame[self._name]
        if self._required and values.null_count():
            self._add("OR300", frame.filter(values.is_null()), f"{self._header} is required and empty.")
        if column.data_type == "text[]" or column.format == "guids":
            return None
        if values.null_count() == frame.height:
            return values.cast(type_of(column))
        if column.format == "guid":
            self._check_guids(frame, values)
        elif column.enumeration:
            return check_enumeration(frame, column, self._file, self._log)
        elif column.data_type == "boolean":
            return self._check_booleans(frame)
        elif column.data_type == "date":
            return self._check_dates(frame)
        elif column.format == "year":
            self._add_where("OR305", frame, ~values.str.contains(_YEAR))
        elif column.format == "user_ids":
            self._add_where("OR314", frame, ~values.str.contains(_USER_IDS))
        return values

    def items(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Judge a list and return its items: record, line, item. Items are trimmed, empty ones dropped."""
        values = frame[self._name]
        listed = frame.select("record", "line", item=values).drop_nulls("item")
        if listed.height and listed["item"].str.contains("[, ]").any():
            listed = listed.with_columns(pl.col("item").str.split(",")).explode("item")
            trimmed = listed.with_columns(pl.col("item").str.strip_chars(" "))
            untidy = trimmed.filter((trimmed["item"] == "") | (trimmed["item"] != listed["item"]))
            listed = trimmed.filter(pl.col("item") != "")
            if untidy.height:
                self._add("OR316", untidy.unique("record"))
                if self._required:
                    empty = untidy.unique("record").join(listed, on="record", how="anti")
                    self._add("OR300", empty, f"{self._header} is required and empty.")
        if self._column.format == "guids":
            self._check_guids(listed, listed["item"])
        elif self._column.vocabulary == "ceds_grades":
            unknown = listed.filter(~listed["item"].is_in(CEDS_GRADES))
            self._add("OR315", unknown.unique("record"))
        return listed

    def _add(self, code: str, places: pl.DataFrame, text: str = "") -> None:
        self._log.about_records(code, self._file, places, column=self._header, text=text)

    def _add_where(self, code: str, frame: pl.DataFrame, fault: pl.Series) -> None:
        if fault.any():
            self._add(code, frame.filter(is_true(fault)))

    def _check_guids(self, frame: pl.DataFrame, ids: pl.Series) -> None:
        if _only_guid_characters(ids) and not (ids.str.len_bytes() > MAX_GUID_CHARACTERS).any():
            return
        for code, fault in (
            ("OR301", ids.str.contains(_NOT_GUID)),
            ("OR302", ids.str.len_chars() > MAX_GUID_CHARACTERS),
        ):
            if fault.any():
                self._add(code, frame.filter(is_true(fault)).unique("record"))

    def _check_booleans(self, frame: pl.DataFrame) -> pl.Series:
        values = frame[self._name]
        delivered = values.unique().drop_nulls().to_list()
        meant = {value: _BOOLEANS.get(value.lower()) for value in delivered if value.isascii()}
        unusual = [value for value in delivered if meant.get(value) is not None and value not in {"true", "false"}]
        unknown = [value for value in delivered if meant.get(value) is None]
        if unusual:
            self._add("OR312", frame.filter(is_true(values.is_in(unusual))))
        if unknown:
            self._add("OR306", frame.filter(is_true(values.is_in(unknown))))
        return values.replace_strict(meant, default=None, return_dtype=pl.Boolean)

    def _check_dates(self, frame: pl.DataFrame) -> pl.Series:
        values = frame[self._name]
        # Days repeat: each is looked at once.
        days = values.unique().drop_nulls()
        parsed = days.str.to_date("%Y-%m-%d", strict=False)
        bad = days.filter(parsed.is_null() | ~days.str.contains(_DATE) | days.str.starts_with("0000"))
        if len(bad):
            fault = values.is_in(bad.to_list())
            self._add_where("OR303", frame, fault)
            values = pl.select(pl.when(~fault).then(values)).to_series()
        return values.str.to_date("%Y-%m-%d", strict=False).alias(self._name)


def type_of(column: Column) -> pl.DataType:
    """Return the type in which ``Values.check`` gives a column."""
    return {"date": pl.Date(), "boolean": pl.Boolean()}.get(column.data_type, pl.String())


def check_enumeration(frame: pl.DataFrame, column: Column, file: str, log: FindingLog) -> pl.Series:
    """Judge a column against the values it may have and return it in their spelling; others become null."""
    values, header, allowed = frame[column.name], column.header or column.name, column.enumeration
    delivered = values.unique().drop_nulls().to_list()
    spelling = {value.lower(): value for value in allowed}
    meant = {value: spelling.get(value.lower()) if value.isascii() else None for value in delivered}
    if all(value == meaning for value, meaning in meant.items()):
        return values
    for meaning in allowed:
        others = [value for value, found in meant.items() if found == meaning and value != meaning]
        if others:
            text = f"The value is spelt in another case than {meaning}; it was taken for {meaning}."
            log.about_records("OR310", file, frame.filter(is_true(values.is_in(others))), column=header, text=text)
    unknown = [value for value, found in meant.items() if found is None]
    if unknown:
        text = f"{header} is not one of {', '.join(allowed)}."
        log.about_records("OR307", file, frame.filter(is_true(values.is_in(unknown))), column=header, text=text)
    return values.replace_strict(meant, default=None, return_dtype=pl.String)


def datetime_faults(values: pl.Series) -> pl.Series | None:
    """Return where a text is not a date and time as staging reads it; None when all are."""
    if values.null_count() == len(values):
        return None
    days = values.str.slice(0, 10)
    distinct = days.unique().drop_nulls()
    parsed = distinct.str.to_date("%Y-%m-%d", strict=False)
    bad = distinct.filter(parsed.is_null() | distinct.str.starts_with("0000"))
    fault = is_true(~values.str.contains(_DATETIME))
    if len(bad):
        fault = fault | is_true(days.is_in(bad.to_list()))
    return fault if fault.any() else None


def is_true(mask: pl.Series) -> pl.Series:
    """Return a mask with false where it is null."""
    return mask.fill_null(value=False)


def _only_guid_characters(ids: pl.Series) -> bool:
    """Tell fast whether all ids hold nothing but permitted characters."""
    text = ids.str.join("").item() or ""
    return not text.encode().translate(None, _GUID_BYTES)
