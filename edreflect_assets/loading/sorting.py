"""Which files of a delivery are loaded, by which contract, and which are set aside."""

from __future__ import annotations

from collections.abc import Mapping

from edreflect_assets.contracts import Feed, FileContract
from edreflect_assets.landing import Delivery, LandedFile, printable_name
from edreflect_assets.loading.failures import FileRefusedError
from edreflect_assets.loading.ledger import CurrentLoad, LedgerEntry


class SortedFiles:
    """The files of a delivery: ``contracts`` and ``listed`` by the contracts' names of what is loaded, and ``aside``."""

    def __init__(self, feed: Feed, delivery: Delivery) -> None:
        self._feed, self._delivery = feed, delivery
        self.contracts: dict[str, FileContract] = {}
        self.listed: dict[str, LandedFile] = {}
        self.aside: list[LedgerEntry] = []

    @property
    def unlisted(self) -> list[str]:
        """The names, as their contracts have them, of files that nobody listed and that have a contract all the same."""
        contracts = (self._feed.match(landed.file) for landed in self._delivery.files)
        return sorted({contract.file for contract in contracts if contract is not None and not contract.listed})

    def sort(self, spelt: Mapping[str, str]) -> None:
        """Tell the files that have a contract from those that are set aside.

        ``spelt`` says, by name in lower case, how unlisted files were spelt when the feed first had them: in whichever case
        one comes now, it is the same file and the same table. Raises FileRefusedError for two files of one contract or
        table, and for a name that cannot be understood; what was sorted until then stays.
        """
        dayless = self._delivery.day is None
        for landed in sorted(self._delivery.files, key=lambda landed: landed.file):
            contract = self._feed.match(landed.file)
            if self._feed.is_deprecated(landed.file):
                self._set_aside(landed, "deprecated", "the source no longer generates this file")
            elif contract is None:
                self._set_aside(landed, "unlisted", self._feed.left_aside(landed.file))
            elif contract.dayless != dayless:
                belongs = "the folder without a day" if contract.dayless else "the folder of a day"
                self._set_aside(landed, "unlisted", f"this file belongs into {belongs}")
            else:
                self._take(landed, contract if contract.listed else self._respelt(contract, spelt))

    def _respelt(self, contract: FileContract, spelt: Mapping[str, str]) -> FileContract:
        return self._feed.match(spelt.get(contract.file.lower(), contract.file)) or contract

    def _take(self, landed: LandedFile, contract: FileContract) -> None:
        if contract.file in self.listed:
            raise FileRefusedError(
                f"two files of this name were delivered, one of them as {printable_name(landed.file)};"
                " deliver one of them",
                file=contract.file,
            )
        other = next((other for other in self.contracts.values() if self._share_a_table(contract, other)), None)
        self.contracts[contract.file], self.listed[contract.file] = contract, landed
        if other is not None:
            raise FileRefusedError(
                f"it and {printable_name(other.file)} would become one table; deliver one of them", file=contract.file
            )
        refusal = self._feed.refusal(landed.file)
        if refusal is not None:
            raise FileRefusedError(refusal, file=contract.file)

    def check_against(self, current: Mapping[str, CurrentLoad]) -> None:
        """Make sure that no file becomes a table that another file of the day, which came before, has become.

        ``current`` loads are those of the delivery, by file. Raises FileRefusedError.
        """
        known = (self._feed.match(name) for name in current if name not in self.contracts)
        before = [other for other in known if other is not None and not other.listed]
        for file, contract in self.contracts.items():
            other = next((other for other in before if self._share_a_table(contract, other)), None)
            if other is not None:
                raise FileRefusedError(
                    f"it and {printable_name(other.file)}, which this day has already, would become one table; deliver it"
                    " under that name",
                    file=file,
                )

    def _share_a_table(self, one: FileContract, other: FileContract) -> bool:
        """Tell whether two unlisted files are of one table and level, or of one name in another case."""
        if one.listed or other.listed:
            return False
        named = [self._feed.convention.read(each.file) if self._feed.convention else None for each in (one, other)]
        levels = {each.depth for each in named if each}
        return one.file.casefold() == other.file.casefold() or (one.table == other.table and len(levels) == 1)

    def _set_aside(self, landed: LandedFile, status: str, reason: str) -> None:
        self.aside.append(LedgerEntry(landed.file, status, sha256=landed.sha256, size=landed.bytes, reason=reason))
