"""The tables of a simulated source system and the changes that its next export must hold.

The export follows the contract: an upsert file holds the rows that changed, a drop_insert file all present rows of each
key that its reference file names. So an item that is gone from a list shows only by its absence.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from edreflect_assets.contracts import Feed, FileContract

Row = dict[str, str]
Export = dict[str, list[Row]]


class SourceTables:
    """Present rows by file and key, with the marks of what changed since the last export.

    Rows map columns of the contract to text as exported; a column that is left out is exported as an empty field.
    """

    def __init__(self, feed: Feed) -> None:
        self.feed = feed
        self._contracts = {name: contract for name, contract in feed.files.items() if not contract.dayless}
        self._rows: dict[str, dict[tuple[str, ...], Row]] = {}
        self._lists: dict[str, dict[str, list[Row]]] = {}
        self._changed: dict[str, dict[tuple[str, ...], None]] = {}
        for name, contract in self._contracts.items():
            if contract.load == "drop_insert":
                self._lists[name] = {}
            elif contract.load in {"upsert", "reference"}:
                self._rows[name], self._changed[name] = {}, {}

    def put(self, file: str, row: Row) -> None:
        """Insert or replace a row of an upsert or reference file and mark it for the next export."""
        key = _key(self._contracts[file], row)
        self._rows[file][key] = row
        self._changed[file][key] = None

    def put_list(self, file: str, key: str, rows: Iterable[Row]) -> None:
        """Replace the list of a key; it is exported once the reference file names the key."""
        column = self._contracts[file].drop_key[0]
        self._lists[file][key] = [{column: key, **row} for row in rows]

    def remove(self, file: str, *key: str) -> None:
        """Remove a row of an upsert file or the list of a key without a trace in the next export."""
        if file in self._lists:
            self._lists[file].pop(key[0], None)
        else:
            self._rows[file].pop(key, None)
            self._changed[file].pop(key, None)

    def touched(self, reference: str) -> Mapping[str, Row]:
        """Return the rows of a reference file that the next export holds, by the first part of their key."""
        return {key[0]: self._rows[reference][key] for key in self._changed[reference]}

    def take_export(self) -> Export:
        """Return the rows of every file kept here since the last call, and clear the marks."""
        export: Export = {}
        for name, contract in self._contracts.items():
            if name in self._rows:
                export[name] = [self._rows[name][key] for key in self._changed[name]]
            elif name in self._lists and contract.touched_by:
                lists = self._lists[name]
                export[name] = [row for key in self._changed[contract.touched_by] for row in lists.get(key[0], ())]
        for changed in self._changed.values():
            changed.clear()
        return export

    def present(self) -> Export:
        """Return all present rows of the drop_insert and upsert files."""
        rows = {
            name: list(by_key.values())
            for name, by_key in self._rows.items()
            if self._contracts[name].load != "reference"
        }
        return rows | {name: [row for rows in lists.values() for row in rows] for name, lists in self._lists.items()}


def _key(contract: FileContract, row: Row) -> tuple[str, ...]:
    return tuple(row[column] for column in contract.key)
