"""Daily arrivals from counted rows: series as the backtest takes them, and of which of them nothing can be said.

Belongs here: what is observed, what has begun or ended. Does not belong here: a forecast (backtest.py), and where rows come from (assets/forecast.py).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from opsla_dagster.forecasting.backtest import CHOICE, FEWEST_DAYS, HORIZON, RECENT, SCORED, Series
from opsla_dagster.forecasting.models import DAYS, Flags

#: Days before today that anything is read of: what the first origin of the earliest scored one looks back on.
LOOK_BACK = DAYS + HORIZON * SCORED + HORIZON + CHOICE
#: A queue counts as ended when it has been silent for so many days, and so many cases were to be expected meanwhile: by chance once in 1,000.
SILENT_DAYS, EXPECTED_CASES = 28, 7.0


@dataclass(frozen=True)
class Arrivals:
    """Cases of one series on one local date, known since another."""

    name: str
    day: date
    known: date
    cases: int


@dataclass(frozen=True)
class Calendar:
    """The desk's dates: those with open hours, and the closed ones that a holiday closes. Others are closed as every week."""

    open_dates: Collection[date]
    holidays: Collection[date]

    def flags(self, start: date, days: int) -> tuple[Flags, Flags]:
        """(is_holiday, is_open) of `days` dates from `start` on. A holiday on a weekday that is closed anyhow is none."""
        dates = [start + timedelta(days=offset) for offset in range(days)]
        is_open = np.array([day in self.open_dates for day in dates], dtype=np.bool_)
        weekdays = np.array([day.weekday() for day in dates])
        worked = np.array([bool(is_open[weekdays == weekday].sum() * 2 > (weekdays == weekday).sum()) for weekday in range(7)])
        is_closed_by_holiday = np.array([day in self.holidays for day in dates], dtype=np.bool_) & ~is_open
        return is_closed_by_holiday & worked[weekdays], is_open


def series_of(rows: Iterable[Arrivals], names: Sequence[str], firsts: Mapping[str, date], loaded: Collection[date], calendar: Calendar, today: date) -> Series:
    """The series of `names` over the `LOOK_BACK` days before `today`; `firsts`: of each the date of its first arrival ever, `loaded`: dates that are whole.

    Nothing is observed on a date that was not loaded, and of a series before its first arrival. What becomes known today or later does not count.
    """
    start = today - timedelta(days=LOOK_BACK)
    place = {name: number for number, name in enumerate(names)}
    cases = np.zeros((len(names), LOOK_BACK))
    late = []
    for row in rows:
        day, known = (row.day - start).days, (row.known - start).days
        if row.name in place and 0 <= day < LOOK_BACK and known < LOOK_BACK:
            cases[place[row.name], day] += row.cases
            if known > day:
                late.append((place[row.name], day, known, row.cases))
    is_loaded = np.array([start + timedelta(days=offset) in loaded for offset in range(LOOK_BACK)], dtype=np.bool_)
    first = np.array([(firsts[name] - start).days for name in names])
    is_observed = is_loaded & (np.arange(LOOK_BACK) >= first[:, None])
    is_holiday, is_open = calendar.flags(start, LOOK_BACK + HORIZON)
    return Series(np.where(is_observed, cases, 0.0), np.array(late, dtype=np.int64).reshape(-1, 4), is_observed, is_holiday, is_open)


def unsayable(series: Series, today: date) -> list[str | None]:
    """Of each series why nothing can be said of its next days; None where something can."""
    return [_reason(cases, seen, today) for cases, seen in zip(series.cases, series.is_observed, strict=True)]


def _reason(cases: np.ndarray, seen: Flags, today: date) -> str | None:
    observed = int(seen.sum())
    recent = int(seen[-RECENT:].sum())
    came = np.flatnonzero(cases)
    if len(came) and (silent := int(seen[came[-1] + 1 :].sum())) >= SILENT_DAYS:
        last = today - timedelta(days=len(cases) - int(came[-1]))
        expected = cases.sum() / max(observed - silent, 1) * silent
        if expected >= EXPECTED_CASES:
            return f"no case since {last}, where {expected:.0f} were to be expected: the queue seems to have ended, or has another name"
    if observed < FEWEST_DAYS:
        return f"too short a history: {observed} {'day' if observed == 1 else 'days'} since its first case, {FEWEST_DAYS} are needed"
    if recent < FEWEST_DAYS:
        return f"too many gaps: of the last {RECENT} days {recent} are loaded, {FEWEST_DAYS} are needed"
    return None
