"""What was noticed in sessions: watched sessions, insights with overlapping times, journals, and verdicts a day later."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from edreflect_assets.sample.timeback.draws import Draws, looked_up
from edreflect_assets.sample.timeback.facts import Table
from edreflect_assets.sample.timeback.reference import INSIGHT_TYPES, JOURNAL
from edreflect_assets.sample.timeback.sessions import moment

# Places for insights in a session; the next one is for the journal.
_PLACES = 4
_NUMBERS = 8
_SESSION, _INSIGHT = pl.col("session"), pl.col("insight")
_TYPE_IDS = pl.Series([kind.id for kind in INSIGHT_TYPES])
_REVIEWED = pl.Series([kind.review is not None for kind in INSIGHT_TYPES])
_REASONS = pl.Series([list(kind.reasons) for kind in INSIGHT_TYPES])
# Kinds by number, as often as they are drawn: at ease, and where a proctor looks on.
_AT_EASE = pl.Series([0, 0, 0, 1, 1, 2, 3, 3, 4, 5, 6], dtype=pl.UInt32)
_IN_TESTS = pl.Series([0, 1, 1, 2, 4, 6, 6, 7, 8, 8, 9, 10, 11], dtype=pl.UInt32)
_RESULTS = ("TruePositive",) * 6 + ("FalsePositive",) * 3 + ("Inconclusive",)


class Insights:
    """Makes the rows of insights from sessions that have their ids."""

    def __init__(self, draws: Draws) -> None:
        self._draws = draws

    def watched(self, sessions: pl.DataFrame) -> pl.DataFrame:
        """Return the sessions that were watched, with their ``watch_id``: those with a test, and most others."""
        watched = sessions.filter(pl.col("tested") | self._draws.chance("watched", _SESSION, 0.75))
        return self._draws.with_uuid(watched, "watch_id", "watched session", _SESSION)

    def of_day(self, watched: pl.DataFrame) -> Iterator[Table]:
        """Yield what is delivered of watched sessions when they have just taken place."""
        yield "insights_session", self._sessions(watched)
        yield "insights_session", self._sessions_again(watched)
        yield "insights_insight", self._rows(self._noticed(watched), shown=self._is_shown())
        yield "insights_insight", self._journals(watched)

    def of_day_after(self, watched: pl.DataFrame) -> Iterator[Table]:
        """Yield what is delivered a day later of watched sessions that are revisited."""
        noticed = self._noticed(watched)
        hidden = noticed.filter(self._draws.chance("hidden", _INSIGHT, 0.05))
        yield "insights_insight", self._rows(hidden, shown=pl.lit(False))
        judged = noticed.filter("reviewed")
        yield "insights_review", self._reviews(judged, "review", hours=12)
        doubted = judged.filter(self._draws.chance("doubted", _INSIGHT, 0.15))
        yield "insights_review", self._reviews(doubted, "second review", hours=14)

    def _sessions(self, watched: pl.DataFrame) -> pl.DataFrame:
        filmed = pl.col("tested") | self._draws.chance("filmed", _SESSION, 0.1)
        return watched.select(
            id="watch_id",
            caliper_session_id="session_id",
            user_id=pl.when(~pl.col("nobody")).then("user_id"),
            application_id="app_id",
            webcam_enabled=filmed,
            is_proctored=pl.when(pl.col("tested") | self._draws.chance("proctoring known", _SESSION, 0.9)).then(
                "tested"
            ),
        )

    def _sessions_again(self, watched: pl.DataFrame) -> pl.DataFrame:
        """Return second records of sessions, in which watching broke off and began again."""
        again = watched.filter(self._draws.chance("broke off", _SESSION, 0.02)).drop("watch_id")
        return self._sessions(self._draws.with_uuid(again, "watch_id", "watched again", _SESSION))

    def _noticed(self, watched: pl.DataFrame) -> pl.DataFrame:
        """Return the insights in sessions; one that is ``tied`` begins during, or just when ends, the one before it."""
        places = pl.int_range(_PLACES, dtype=pl.UInt64, eager=True).alias("place").to_frame()
        frame = (
            watched.join(places, how="cross")
            .with_columns(insight=_SESSION * _NUMBERS + pl.col("place"))
            .filter(self._draws.chance("noticed", _INSIGHT, 0.5))
        )
        before, draws = _INSIGHT - 1, self._draws
        tied = (pl.col("place") > 0) & draws.chance("tied", _INSIGHT, 0.4)
        kind = pl.when(tied & draws.chance("tied to its kind", _INSIGHT, 0.8))
        touching = tied & draws.chance("touching", _INSIGHT, 0.2)
        begin = pl.when(touching).then(self._begin(before) + self._length(before)).when(tied)
        frame = frame.with_columns(
            kind=kind.then(self._kind(before)).otherwise(self._kind(_INSIGHT)),
            begin=begin.then(self._begin(before) + self._length(before) // 2).otherwise(self._begin(_INSIGHT)),
            length=self._length(_INSIGHT),
        )
        frame = draws.with_uuid(frame, "insight_id", "insight", _INSIGHT)
        return frame.with_columns(reviewed=looked_up(_REVIEWED, pl.col("kind")))

    def _kind(self, insight: pl.Expr) -> pl.Expr:
        at_ease = looked_up(_AT_EASE, self._draws.below("kind", insight, len(_AT_EASE)))
        in_test = looked_up(_IN_TESTS, self._draws.below("kind in test", insight, len(_IN_TESTS)))
        return pl.when("tested").then(in_test).otherwise(at_ease)

    def _begin(self, insight: pl.Expr) -> pl.Expr:
        """Return when an insight begins that is not tied, within the first four fifths of its session."""
        return pl.col("begin") + pl.col("length") // 1000 * self._draws.below("insight begins", insight, 800)

    def _length(self, insight: pl.Expr) -> pl.Expr:
        """Return how long an insight is, in milliseconds."""
        return self._draws.below("insight's length", insight, 110_000) + 4_000

    def _is_shown(self) -> pl.Expr:
        shown = self._draws.choice("shown", _INSIGHT, ("true",) * 28 + ("false", None))
        return shown == "true"

    def _rows(self, noticed: pl.DataFrame, *, shown: pl.Expr) -> pl.DataFrame:
        reasons = looked_up(_REASONS, pl.col("kind"))
        which = self._draws.below("reason", _INSIGHT, 60) % reasons.list.len()
        return noticed.select(
            id="insight_id",
            insights_session_id="watch_id",
            insight_type_id=looked_up(_TYPE_IDS, pl.col("kind")),
            started_at_time=moment(pl.col("begin")),
            ended_at_time=moment(pl.col("begin") + pl.col("length")),
            reason=reasons.list.get(which),
            is_visible=shown,
        )

    def _journals(self, watched: pl.DataFrame) -> pl.DataFrame:
        """Return the journal entries at the ends of sessions; most have no end, since nobody needs one."""
        draws = self._draws
        written = watched.filter(draws.chance("journal", _SESSION, 0.2)).with_columns(
            insight=_SESSION * _NUMBERS + _PLACES
        )
        begin = pl.col("begin") + pl.col("length") - 60_000
        return draws.with_uuid(written, "insight_id", "insight", _INSIGHT).select(
            id="insight_id",
            insights_session_id="watch_id",
            insight_type_id=pl.lit(JOURNAL.id),
            started_at_time=moment(begin),
            ended_at_time=pl.when(draws.chance("journal ended", _INSIGHT, 0.2)).then(moment(begin + 30_000)),
            reason=draws.choice("entry", _INSIGHT, JOURNAL.reasons),
            is_visible=draws.chance("journal shown", _INSIGHT, 0.5),
        )

    def _reviews(self, judged: pl.DataFrame, kind: str, *, hours: int) -> pl.DataFrame:
        draws = self._draws
        frame = draws.with_uuid(judged, "review_id", kind, _INSIGHT)
        when = moment(pl.col("begin") + hours * 3_600_000)
        return frame.select(
            id="review_id",
            insight_id="insight_id",
            result=draws.choice(f"{kind} result", _INSIGHT, _RESULTS),
            reviewed_at=pl.when(draws.chance(f"{kind} dated", _INSIGHT, 0.97)).then(when),
        )
