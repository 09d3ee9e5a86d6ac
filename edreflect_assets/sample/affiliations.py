"""Who observes whom, with the ways in which the source says that it has ended."""

from __future__ import annotations

from edreflect_assets.sample.context import Context
from edreflect_assets.sample.tables import Row

Pair = tuple[str, str]


class Affiliations:
    """Pairs of learner and observer.

    Of a user named in User_Modified.csv all open pairs are exported, as learner and as observer. A pair that is over is
    either exported once with its date_deleted or just no longer exported; then it ended at the earliest modification
    date of its users on that day. A pair that comes back is exported with a new date_created, which does not count: of
    a known pair only date_deleted changes.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._open: dict[Pair, Row] = {}
        self._ended: dict[Pair, Row] = {}
        self._vanished: set[Pair] = set()
        self._new: set[Pair] = set()
        self._of_user: dict[str, dict[Pair, None]] = {}
        self._truth: dict[Pair, Row] = {}

    def observers_of(self, learner: str) -> list[str]:
        """Return the employee ids of a learner's present observers."""
        return [pair[1] for pair in self._of_user.get(learner, ()) if pair[0] == learner]

    def open(self, learner: str, observer: str, affiliation_type: str) -> None:
        """Begin, or begin again, an affiliation that was not open when the day began."""
        pair = (learner, observer)
        if pair in self._ended or pair in self._vanished:
            return
        self._open[pair] = {
            "learner_employee_id": learner,
            "observer_employee_id": observer,
            "affiliation_type": affiliation_type,
            "date_created": self._context.moment(),
        }
        self._new.add(pair)
        for user in pair:
            self._of_user.setdefault(user, {})[pair] = None

    def end(self, learner: str, observer: str) -> None:
        """End an affiliation in words: its row is exported once more, with a date_deleted."""
        pair = (learner, observer)
        self._ended[pair] = {**self._close(pair), "date_deleted": self._context.moment()}

    def vanish(self, learner: str, observer: str) -> None:
        """End an affiliation in silence; the caller must name one of its users in User_Modified.csv."""
        pair = (learner, observer)
        if pair not in self._new:
            self._vanished.add(pair)
        self._close(pair)

    def take_export(self) -> list[Row]:
        """Return the day's rows of User_Affiliations.csv, to be called before the reference files are exported."""
        modified = self._context.tables.touched("User_Modified.csv")
        named = dict.fromkeys(pair for user in modified for pair in self._of_user.get(user, ()))
        named |= dict.fromkeys(sorted(self._new))
        rows = [*(self._open[pair] for pair in named), *self._ended.values()]
        for row in rows:
            pair = (row["learner_employee_id"], row["observer_employee_id"])
            self._truth[pair] = {**self._truth.get(pair, row), "date_deleted": row.get("date_deleted", "")}
        for pair in self._vanished & self._truth.keys():
            dates = [modified[user]["user_modified_date"] for user in pair if user in modified]
            self._truth[pair]["date_deleted"] = min(dates)
        self._ended.clear()
        self._vanished.clear()
        self._new.clear()
        return rows

    def present(self) -> list[Row]:
        """Return every pair ever exported, as the platform must hold it."""
        return list(self._truth.values())

    def _close(self, pair: Pair) -> Row:
        for user in pair:
            self._of_user[user].pop(pair)
        self._new.discard(pair)
        return self._open.pop(pair)
