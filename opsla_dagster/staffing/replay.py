"""Weeks of the past, predicted from the weeks before them with the arrivals and the heads that there were.

Belongs here: the prediction and its error. Does not belong here: fitting (touch.py).

A week is predicted by what the WEEKS_BEFORE weeks before it tell, and by its own arrivals and heads; its own clocks are looked at only to say how far
off that was. The last row is the week that now lies in: a prediction without an outcome yet, with the usual week in the place of its own.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date

import numpy as np

from opsla_dagster.staffing.desk_log import DeskLog, Metric
from opsla_dagster.staffing.made_from import WEEKS_BEFORE, WEEKS_REPLAYED
from opsla_dagster.staffing.touch import Fit, Waits, fit, fit_of, predict, weekly_bounds

#: The fewest weeks that a prediction rests on.
FEWEST_BEFORE = 4
#: The share of a week's clocks that must have ended for it to be compared.
_SHARE_JUDGED = 0.8
#: Clocks without which a week's attainment is chance.
_FEWEST_CLOCKS = 20


@dataclass(frozen=True)
class ReplayedWeek:
    """One week and metric, and what the weeks before it taught.

    `reason` says why there is no prediction, or nothing to hold it against. `learnt.touch_seconds` is 0 where waits did not come from too few heads;
    `at_most_seconds` is what a touch can have taken at most.
    """

    week_date: date
    metric: str
    is_response: bool
    clocks: int
    actual_pct: float | None
    predicted_pct: float | None
    head_hours: float | None
    learnt: Fit | None
    at_most_seconds: float | None
    reason: str | None

    @property
    def error_points(self) -> float | None:
        if self.actual_pct is None or self.predicted_pct is None:
            return None
        return self.predicted_pct - self.actual_pct


NOT_LOADED = "not all of its dates are loaded"
NO_STAFF = "no source tells the heads of this week, so nothing can be predicted from them"
NOT_YET = f"fewer than {FEWEST_BEFORE} whole weeks before it to learn from"
FEW_CLOCKS = f"fewer than {_FEWEST_CLOCKS} clocks"
STILL_OPEN = "more than a fifth of its clocks have no outcome"
NOT_OVER = "the week that now lies in: what the weeks before it taught"


def guide(log: DeskLog) -> Metric | None:
    """The metric whose days tell the touch time: a response, as a resolution also waits for others; None without any clock."""
    told = [metric for metric in log.metrics if metric.name in log.clocks]
    return next((metric for metric in told if metric.is_response), told[0] if told else None)


def replay(log: DeskLog, but: Collection[date] = ()) -> Iterator[ReplayedWeek]:
    """The last WEEKS_REPLAYED weeks of the log and the one after them, by metric; `but` weeks (Mondays) that are known already."""
    guiding, waits, bounds = guide(log), Waits.of(log), weekly_bounds(log)
    if guiding is None:
        return
    for week in range(max(0, log.weeks - WEEKS_REPLAYED), log.weeks + 1):
        before = range(max(0, week - WEEKS_BEFORE), week)
        if log.monday(week) in but:
            continue
        is_coming = week == log.weeks
        guided = fit(waits, log.clocks[guiding.name], _told(log, guiding, before), with_allowed=is_coming) if len(before) else None
        known = bounds[before.start : before.stop]
        known = known[np.isfinite(known)]
        at_most = float(known.min()) if len(known) else None
        for metric in log.metrics:
            if metric.name in log.clocks:
                learnt = None if guided is None else fit_of(waits, log.clocks[metric.name], _told(log, metric, before), guided)
                yield _replayed(log, waits, metric, week, learnt, at_most)


def _told(log: DeskLog, metric: Metric, weeks: range) -> list[int]:
    """The weeks that are loaded and whose clocks have ended but for a few: of the others those that took long are still to come."""
    clocks = log.clocks[metric.name]
    return [week for week in weeks if log.is_loaded[week] and clocks.judged_by_week[week] >= _SHARE_JUDGED * clocks.by_week[week]]


def _replayed(log: DeskLog, waits: Waits, metric: Metric, week: int, learnt: Fit | None, at_most: float | None) -> ReplayedWeek:
    clocks, is_over = log.clocks[metric.name], week < log.weeks
    judged = int(clocks.judged_by_week[week]) if is_over else 0
    staffed = log.staff.seconds_of(np.array([week])) if is_over and log.is_loaded[week] else 0.0
    reason = _reason(log, week, int(clocks.by_week[week]), judged, staffed) if is_over else NOT_OVER
    predicted = None
    of_week = np.flatnonzero(log.week[clocks.case] == week)
    if learnt is not None and reason in (None, STILL_OPEN) and len(of_week):
        waited = waits.nearest(learnt.touch_seconds)[clocks.case[of_week]]
        predicted = float(100 * predict(log, clocks, of_week, waited, learnt.own).mean())
    return ReplayedWeek(
        week_date=log.monday(week),
        metric=metric.name,
        is_response=metric.is_response,
        clocks=judged,
        actual_pct=100 * int(clocks.met_by_week[week]) / judged if judged >= _FEWEST_CLOCKS else None,
        predicted_pct=predicted,
        head_hours=staffed / 3600 if staffed else None,
        learnt=learnt,
        at_most_seconds=at_most,
        reason=reason,
    )


def _reason(log: DeskLog, week: int, clocks: int, judged: int, staffed: float) -> str | None:
    if not log.is_loaded[week]:
        return NOT_LOADED
    if staffed <= 0:
        return NO_STAFF
    if log.is_loaded[max(0, week - WEEKS_BEFORE) : week].sum() < FEWEST_BEFORE:
        return NOT_YET
    if judged < _FEWEST_CLOCKS:
        return FEW_CLOCKS
    return STILL_OPEN if judged < _SHARE_JUDGED * clocks else None
