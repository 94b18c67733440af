"""Weeks of the past, predicted from the weeks before them with the arrivals and the heads that there were.

Belongs here: the prediction and its error. Does not belong here: fitting (touch.py).

A week is predicted by what the WEEKS_BEFORE weeks before it tell, and by its own arrivals and heads; its own clocks are looked at only to say how far
off that was. The last row is the week that now lies in: a prediction without an outcome yet, with the usual week in the place of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import numpy as np

from opsla_dagster.staffing.desk_log import Clocks, DeskLog, Metric
from opsla_dagster.staffing.touch import Fit, Waits, fit, predict, weekly_bounds

#: Weeks that a prediction rests on, and the fewest of them; weeks that are replayed.
WEEKS_BEFORE, FEWEST_BEFORE, WEEKS_REPLAYED = 8, 4, 12
#: The share of a week's clocks that must have ended for it to be compared.
_SHARE_JUDGED = 0.8
#: Clocks without which a week's attainment is chance.
_FEWEST_CLOCKS = 20


@dataclass(frozen=True)
class ReplayedWeek:
    """One week and metric; `reason` says why there is no prediction, or no outcome to hold it against."""

    week_date: date
    metric: str
    clocks: int
    actual_pct: float | None
    predicted_pct: float | None
    head_hours: float | None
    touch_seconds: float | None
    reason: str | None

    @property
    def error_points(self) -> float | None:
        if self.actual_pct is None or self.predicted_pct is None:
            return None
        return self.predicted_pct - self.actual_pct


@dataclass(frozen=True)
class Lesson:
    """What the latest weeks tell for the time to come: by metric the fit, and the most that a touch can take."""

    fits: dict[str, Fit]
    at_most_seconds: float | None


NO_STAFF = "no source tells the heads of this week, so nothing can be predicted from them"
NOT_YET = "too few weeks before it to learn from"
FEW_CLOCKS = f"fewer than {_FEWEST_CLOCKS} clocks"
STILL_OPEN = "more than a fifth of its clocks have no outcome"


def guide(log: DeskLog) -> Metric | None:
    """The metric whose days tell the touch time: a response, as a resolution also waits for others; None without any clock."""
    told = [metric for metric in log.metrics if metric.name in log.clocks]
    return next((metric for metric in told if metric.is_response), told[0] if told else None)


def replay(log: DeskLog, waits: Waits) -> Iterator[ReplayedWeek]:
    """The last WEEKS_REPLAYED weeks of the log, by metric."""
    guiding = guide(log)
    for week in range(max(0, log.weeks - WEEKS_REPLAYED), log.weeks):
        fits = _fits(log, waits, guiding, range(max(0, week - WEEKS_BEFORE), week)) if guiding is not None else {}
        for metric in log.metrics:
            if metric.name in log.clocks:
                yield _replayed(log, waits, metric, week, fits.get(metric.name))


def lesson(log: DeskLog, waits: Waits) -> Lesson:
    """What the latest WEEKS_BEFORE weeks tell."""
    latest = range(max(0, log.weeks - WEEKS_BEFORE), log.weeks)
    guiding = guide(log)
    bounds = weekly_bounds(log)[latest.start :]
    known = bounds[np.isfinite(bounds)]
    return Lesson(_fits(log, waits, guiding, latest) if guiding is not None else {}, float(known.min()) if len(known) else None)


def _fits(log: DeskLog, waits: Waits, guiding: Metric, weeks: range) -> dict[str, Fit]:
    """One touch time, of the guiding metric; each metric has delays of its own."""
    from opsla_dagster.staffing.touch import own_delays

    found = fit(waits, log.clocks[guiding.name], weeks)
    number = int(np.argmin(np.abs(waits.touch_seconds - found.touch_seconds))) if found.touch_seconds > 0 else -1
    fits = {}
    for name, clocks in log.clocks.items():
        chosen = np.flatnonzero(clocks.is_judged & np.isin(log.week[clocks.case], list(weeks)))
        fits[name] = Fit(found.touch_seconds, own_delays(log, clocks, chosen, waits.at(number)[clocks.case[chosen]]))
    return fits


def _replayed(log: DeskLog, waits: Waits, metric: Metric, week: int, learnt: Fit | None) -> ReplayedWeek:
    clocks = log.clocks[metric.name]
    of_week = np.flatnonzero(log.week[clocks.case] == week)
    judged = of_week[clocks.is_judged[of_week]]
    staffed = log.staff.seconds_of(np.array([week])) if log.staff.is_known else 0.0
    reason = _reason(week, len(of_week), len(judged), staffed)
    can_predict = learnt is not None and reason in (None, STILL_OPEN)
    return ReplayedWeek(
        week_date=log.monday(week),
        metric=metric.name,
        clocks=len(judged),
        actual_pct=float(100 * clocks.is_met[judged].mean()) if len(judged) >= _FEWEST_CLOCKS else None,
        predicted_pct=_predicted(log, waits, clocks, judged, learnt) if can_predict and learnt is not None else None,
        head_hours=staffed / 3600 if staffed else None,
        touch_seconds=learnt.touch_seconds if can_predict and learnt is not None else None,
        reason=reason,
    )


def _reason(week: int, clocks: int, judged: int, staffed: float) -> str | None:
    if staffed <= 0:
        return NO_STAFF
    if week < FEWEST_BEFORE:
        return NOT_YET
    if judged < _FEWEST_CLOCKS:
        return FEW_CLOCKS
    return STILL_OPEN if judged < _SHARE_JUDGED * clocks else None


def _predicted(log: DeskLog, waits: Waits, clocks: Clocks, judged: np.ndarray, learnt: Fit) -> float:
    number = int(np.argmin(np.abs(waits.touch_seconds - learnt.touch_seconds))) if learnt.touch_seconds > 0 else -1
    waited = waits.at(number)[clocks.case[judged]]
    return float(100 * predict(log, clocks, judged, waited, learnt.own).mean())
