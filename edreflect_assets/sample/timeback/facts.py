"""Sessions, attempts, events, scores and points as rows of the feed's tables."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import polars as pl

from edreflect_assets.sample.timeback.curriculum import LESSON, TEST
from edreflect_assets.sample.timeback.draws import Draws
from edreflect_assets.sample.timeback.sessions import Schooling, moment

Table = tuple[str, pl.DataFrame]

_SESSION, _ATTEMPT, _SLOT = pl.col("session"), pl.col("attempt"), pl.col("slot")
_BEGIN, _END = pl.col("begin"), pl.col("begin") + pl.col("length")
_URN = pl.lit("urn:uuid:")


class Facts:
    """Makes the rows of sessions; ids are UUIDs, those of Caliper's records mostly as URNs."""

    def __init__(self, schooling: Schooling) -> None:
        self._schooling = schooling
        self._draws: Draws = schooling.draws

    def with_ids(self, sessions: pl.DataFrame) -> pl.DataFrame:
        """Return sessions with their ``session_id`` and whether ``nobody`` was signed in as their person."""
        return self._draws.with_uuid(sessions, "session_id", "session", _SESSION).with_columns(
            session_id=_URN + pl.col("session_id"), nobody=self._draws.chance("nobody", _SESSION, 0.004)
        )

    def attempts(self, sessions: pl.DataFrame, day: date) -> pl.DataFrame:
        """Return the attempts in sessions with their ids and with what becomes of them in sessions that are revisited.

        ``open``: the end is known a day later. ``withdrawn``: the record is removed a day later. ``unstarted``: its first
        event comes a day later.
        """
        attempts = self._schooling.attempts(sessions, day)
        attempts = self._draws.with_uuid(attempts, "attempt_id", "attempt", _ATTEMPT)
        attempts = self._draws.with_uuid(attempts, "completed_id", "completed", _ATTEMPT)
        revisited, draws = pl.col("revisited"), self._draws
        return attempts.with_columns(
            attempt_id=_URN + pl.col("attempt_id"),
            completed_id=_URN + pl.col("completed_id"),
            open=(_SLOT == LESSON) & draws.chance("open", _ATTEMPT, 0.06),
            withdrawn=revisited & (_SLOT != LESSON) & draws.chance("withdrawn", _ATTEMPT, 0.02),
            regraded=revisited & (_SLOT != LESSON) & draws.chance("regraded", _ATTEMPT, 0.04),
            unstarted=revisited & (_SLOT == LESSON) & draws.chance("unstarted", _ATTEMPT, 0.2),
        )

    def of_day(self, sessions: pl.DataFrame, attempts: pl.DataFrame) -> Iterator[Table]:
        """Yield what is delivered of sessions, and of the attempts in them, when they have just taken place."""
        yield "caliper_session", self._session_rows(sessions)
        yield "caliper_attempt", self._attempt_rows(attempts, ended=~pl.col("open"))
        yield "caliper_event", self._session_events(sessions)
        yield "caliper_event", self._started(attempts.filter(~pl.col("unstarted")))
        completed = attempts.filter(~pl.col("open"))
        yield "caliper_event", self._completed(completed)
        yield "caliper_score", self._scores(attempts)
        yield "tb_xp_ledger", self._points(completed)
        yield "tb_xp_ledger", self._bonus(sessions)

    def of_day_after(self, attempts: pl.DataFrame) -> Iterator[Table]:
        """Yield what is delivered a day later of attempts in sessions that are revisited."""
        closed = attempts.filter("open")
        yield "caliper_attempt", self._attempt_rows(closed, ended=pl.lit(True))
        yield "caliper_event", self._completed(closed)
        yield "caliper_event", self._started(attempts.filter("unstarted"))
        yield "tb_xp_ledger", self._points(closed)
        yield "tb_xp_ledger", self._corrections(attempts.filter(~pl.col("withdrawn")))
        again = attempts.filter(pl.col("regraded") & ~pl.col("withdrawn"))
        yield "caliper_score", self._scores(again, better=True)
        yield "caliper_score", self._scores(again.filter(_SLOT == TEST), better=True, kind="second score")
        withdrawn = attempts.filter("withdrawn")
        yield "caliper_attempt", _removed(withdrawn, "attempt_id")
        yield "caliper_event", _removed(self._started(withdrawn), "id")
        yield "caliper_event", _removed(withdrawn, "completed_id")
        yield "caliper_score", _removed(self._scores(withdrawn), "id")
        yield "tb_xp_ledger", _removed(self._points(withdrawn), "id")

    def _session_rows(self, sessions: pl.DataFrame) -> pl.DataFrame:
        draws = self._draws
        return sessions.select(
            id="session_id",
            user_id=pl.when(~pl.col("nobody")).then("user_id"),
            client_id=pl.when(~draws.chance("no client", _SESSION, 0.005)).then("app_id"),
            started_at_time=moment(_BEGIN),
            ended_at_time=pl.when(~draws.chance("unclosed", _SESSION, 0.01)).then(moment(_END)),
        )

    def _attempt_rows(self, attempts: pl.DataFrame, *, ended: pl.Expr) -> pl.DataFrame:
        draws = self._draws
        measured = (pl.col("length") / 1000 - draws.share("pause", _ATTEMPT)).round(2)
        return attempts.select(
            id="attempt_id",
            assignee_id="user_id",
            assignable_id="resource_id",
            count="count",
            started_at_time=pl.when(~draws.chance("begin unknown", _ATTEMPT, 0.003)).then(moment(_BEGIN)),
            ended_at_time=pl.when(ended).then(moment(_END)),
            duration_sec=pl.when(ended & draws.chance("measured", _ATTEMPT, 0.6)).then(measured),
        )

    def _session_events(self, sessions: pl.DataFrame) -> pl.DataFrame:
        ends = []
        for action, when in (("LoggedIn", _BEGIN), ("LoggedOut", _END)):
            frame = self._draws.with_uuid(sessions, "event_id", action, _SESSION)
            ends.append(
                frame.select(
                    id=_URN + pl.col("event_id"),
                    type=pl.lit("SessionEvent"),
                    action=pl.lit(action),
                    actor_id=pl.when(~pl.col("nobody")).then("user_id"),
                    object_id="session_id",
                    session_id="session_id",
                    event_time=moment(when),
                )
            )
        return pl.concat(ends)

    def _started(self, attempts: pl.DataFrame) -> pl.DataFrame:
        frame = self._draws.with_uuid(attempts, "started_id", "started", _ATTEMPT)
        return self._events(frame, _URN + pl.col("started_id"), "Started", _BEGIN)

    def _completed(self, attempts: pl.DataFrame) -> pl.DataFrame:
        return self._events(attempts, pl.col("completed_id"), "Completed", _END)

    def _events(self, attempts: pl.DataFrame, event_id: pl.Expr, action: str, when: pl.Expr) -> pl.DataFrame:
        draws = self._draws
        # some applications say what was attempted, but not in which session
        known = draws.chance("session known", _ATTEMPT, 0.99) & draws.chance(f"{action} in session", _ATTEMPT, 0.98)
        kind = pl.when(_SLOT == LESSON).then(pl.lit("AssignableEvent")).when(_SLOT == TEST)
        return attempts.select(
            id=event_id,
            type=kind.then(pl.lit("AssessmentEvent")).otherwise(pl.lit("AssessmentItemEvent")),
            action=pl.lit(action),
            actor_id="user_id",
            object_id="resource_id",
            attempt_id="attempt_id",
            session_id=pl.when(known).then("session_id"),
            event_time=moment(when),
        )

    def _scores(self, attempts: pl.DataFrame, *, better: bool = False, kind: str = "score") -> pl.DataFrame:
        """Return the scores of questions, out of 1, and of tests, out of 10; a few are not given yet."""
        draws = self._draws
        scored = draws.with_uuid(attempts.filter(_SLOT != LESSON), "score_id", kind, _ATTEMPT)
        given = pl.when(_SLOT == TEST).then(draws.below("points", _ATTEMPT, 6) + 5)
        points = given.otherwise(pl.col("right").cast(pl.Int64))
        most = pl.when(_SLOT == TEST).then(10).otherwise(1)
        return scored.select(
            id=_URN + pl.col("score_id"),
            attempt_id="attempt_id",
            score_given=most if better else pl.when(~draws.chance("unscored", _ATTEMPT, 0.01)).then(points),
            max_score=most,
        )

    def _points(self, attempts: pl.DataFrame) -> pl.DataFrame:
        """Return the points for lessons and tests, by the minutes that they took."""
        earned = self._draws.with_uuid(attempts.filter(_SLOT.is_in([LESSON, TEST])), "id", "points earned", _ATTEMPT)
        return earned.select(
            id="id",
            user_id="user_id",
            application_id="app_id",
            caliper_event_id="completed_id",
            value=(pl.col("length") / 60_000).round(2) + 1,
            date_created=moment(_END + 1500),
        )

    def _corrections(self, attempts: pl.DataFrame) -> pl.DataFrame:
        """Return points that are taken back."""
        chosen = attempts.filter((_SLOT == LESSON) & self._draws.chance("taken back", _ATTEMPT, 0.1))
        back = self._draws.with_uuid(chosen, "id", "points taken back", _ATTEMPT)
        return back.select(
            id="id",
            user_id="user_id",
            application_id="app_id",
            caliper_event_id="completed_id",
            value=pl.lit(-0.5),
            date_created=moment(_END + 20 * 3_600_000),
        )

    def _bonus(self, sessions: pl.DataFrame) -> pl.DataFrame:
        """Return points that no event has earned."""
        chosen = sessions.filter(self._draws.chance("bonus", _SESSION, 0.05))
        return self._draws.with_uuid(chosen, "id", "bonus", _SESSION).select(
            id="id", user_id="user_id", application_id="app_id", value=pl.lit(5.0), date_created=moment(_END)
        )


def _removed(frame: pl.DataFrame, key: str) -> pl.DataFrame:
    return frame.select(id=key, _deleted=pl.lit(True))
