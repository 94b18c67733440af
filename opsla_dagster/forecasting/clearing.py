"""When a backlog has come down to a target: simulated futures of what comes in and what is done.

Belongs here: that arithmetic, for the table and for the command centre alike. Does not belong here: expected arrivals and what a desk gets done
(tables), and words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from math import sqrt

import numpy as np

from opsla_dagster.forecasting.models import Floats

#: Futures, and days that each goes on: what has not come down by then counts as never.
FUTURES, DAYS_AHEAD = 500, 182
_SEED = 42
#: Sums of shares of cases miss a whole number by less.
_ROUNDING = 1e-6
#: Standard deviations from p10 to p90.
P10_TO_P90 = 2 * 1.2815515655446004


@dataclass(frozen=True)
class Day:
    """One day that is forecast: cases expected, from and to (None: unknown), and whether the desk has open hours, or a holiday closes it."""

    day: date
    expected: float
    low: float | None
    high: float | None
    is_open: bool
    is_holiday: bool


@dataclass(frozen=True)
class Work:
    """What is open, comes in and gets done: cases; `total_low` and `total_high` of all `days` together, of which the first is that of now.

    `done_open`, `done_other`: cases that leave on a day with open hours and on another one, while work waits; `spread`: standard deviation of the first
    between dates of one weekday (that Mondays are slow is no chance); `measured_days`: how many days that is of. `fewest_new`: cases that are open at the end of any business day
    because they have just come in; None: unknown. `is_now_on_business_day`: now lies within one or at its end, so that what is open now counts. `done_today`: where now lies within its day, what leaves in the rest of it; `days[0]` is that rest. None: the day is whole.
    """

    open_cases: int
    days: Sequence[Day]
    total_low: float | None
    total_high: float | None
    done_open: float
    done_other: float
    spread: float
    measured_days: int
    done_today: float | None = None
    fewest_new: float | None = None
    is_now_on_business_day: bool = True


@dataclass(frozen=True)
class Change:
    """What is changed: shares, 0.1 is a tenth more heads, arrivals or touch time."""

    heads: float = 0.0
    arrivals: float = 0.0
    handling_time: float = 0.0


@dataclass(frozen=True)
class Reached:
    """When one in ten, half and nine in ten futures have reached the target: by the end of which business day, and how many business days that is.

    None: not within `DAYS_AHEAD`. `share`: of the futures that reach it within them at all.
    """

    share: float
    p10: date | None
    p50: date | None
    p90: date | None
    p10_open_days: int | None
    p50_open_days: int | None
    p90_open_days: int | None


def reached(work: Work, targets: Sequence[float], change: Change) -> list[Reached | None]:
    """When the open cases have come down to each of `targets`, under the change; None: below what is always open (`floor`), it cannot be reached.

    The open cases of a future after n days: those open now, and what came in, less what was done. More heads and shorter handling do more in
    the same time: done x (1 + heads) / (1 + handling_time).
    """
    least = floor(work, change)
    # What is open off business days is no end of one: a Sunday has less than any Monday.
    there_from = float(work.open_cases) if work.is_now_on_business_day else np.inf
    is_asked = any(least <= target < there_from for target in targets)
    futures = _open_cases(work, change) if is_asked else np.zeros((0, DAYS_AHEAD))
    is_open = _is_open(work)
    first = work.days[0].day
    return [None if target < min(least, there_from) else _when(futures, target, there_from, first, is_open) for target in targets]


def floor(work: Work, change: Change) -> float:
    """Whole cases that no change brings a backlog below at the end of a business day: what has just come in; 0 where nobody knows.

    By Little's law arrivals times the time for which a case is open within its first day. More heads and shorter handling shorten that at most as they speed up work.
    """
    if work.fewest_new is None:
        return 0.0
    return float(np.ceil(work.fewest_new * (1 + change.arrivals) / _speed(change) - _ROUNDING))


def net_cases_per_week(work: Work, change: Change) -> tuple[float, float]:
    """What comes in and what is done in a usual week, in cases."""
    pattern = _pattern(work)
    done = [work.done_open if day.is_open else work.done_other for day in pattern]
    return sum(day.expected for day in pattern) * (1 + change.arrivals), sum(done) * _speed(change)


def _open_cases(work: Work, change: Change) -> Floats:
    """`(futures, days)`: at the end of each day, as if the target were below all of them."""
    expected, scatter, level = _arrivals(work)
    noise = _noise()
    fortnight = np.minimum(np.arange(DAYS_AHEAD) // 14, noise.level.shape[1] - 1)
    # Each fortnight's level errs anew, on top of the one before.
    levels = 1 + level * np.cumsum(noise.level, axis=1)[:, fortnight]
    came = np.maximum(expected * levels + scatter * noise.arrivals, 0.0) * (1 + change.arrivals)
    usual = np.where(_is_open(work), work.done_open, work.done_other)
    if work.done_today is not None:
        usual[0] = work.done_today
    relative = work.spread / work.done_open if work.done_open else 0.0
    drawn = 1 + relative * noise.done + relative / sqrt(max(work.measured_days, 1)) * noise.pace[:, None]
    done = np.maximum(usual * drawn, 0.0) * _speed(change)
    return np.asarray(work.open_cases + np.cumsum(came - done, axis=1))


def _speed(change: Change) -> float:
    return (1 + change.heads) / (1 + change.handling_time)


def _when(futures: Floats, target: float, there_from: float, first: date, is_open: np.ndarray) -> Reached:
    if there_from <= target:
        return Reached(1.0, first, first, first, 0, 0, 0)
    # Weekends shrink a backlog that Monday brings back: only the ends of business days count, as in what it usually is.
    is_down = (futures <= target + _ROUNDING) & is_open
    days = np.where(is_down.any(axis=1), np.argmax(is_down, axis=1), DAYS_AHEAD)
    ordered = np.sort(days)
    at = [int(ordered[max(int(np.ceil(share * len(ordered))) - 1, 0)]) for share in (0.1, 0.5, 0.9)]
    dates = [first + timedelta(days=day) if day < DAYS_AHEAD else None for day in at]
    opened = [int(is_open[: day + 1].sum()) if day < DAYS_AHEAD else None for day in at]
    return Reached(float(is_down.any(axis=1).mean()), dates[0], dates[1], dates[2], opened[0], opened[1], opened[2])


def _pattern(work: Work) -> list[Day]:
    """One day of each weekday, as the last of them that no holiday closes; what comes after the forecast days is like these."""
    whole = work.days if work.done_today is None else work.days[1:]
    usual = {day.day.weekday(): day for day in whole}
    usual |= {day.day.weekday(): day for day in whole if not day.is_holiday}
    return [usual[weekday] for weekday in sorted(usual)]


def _ahead(work: Work) -> list[Day]:
    pattern = {day.day.weekday(): day for day in _pattern(work)}
    first = work.days[0].day
    later = [pattern[(first + timedelta(days=offset)).weekday()] for offset in range(len(work.days), DAYS_AHEAD)]
    return [*work.days, *later]


def _is_open(work: Work) -> np.ndarray:
    return np.array([day.is_open for day in _ahead(work)], dtype=np.bool_)


def _arrivals(work: Work) -> tuple[Floats, Floats, float]:
    """Expected cases and their standard deviation by day, and that of the level of a fortnight as a share.

    Where no interval is known, cases come by chance alone (Poisson).
    """
    ahead = _ahead(work)
    expected = np.array([day.expected for day in ahead])
    scatter = np.array([sqrt(day.expected) if day.low is None or day.high is None else (day.high - day.low) / P10_TO_P90 for day in ahead])
    told = len(work.days)
    total = float(expected[:told].sum())
    if work.total_low is None or work.total_high is None or total == 0:
        return expected, scatter, 0.0
    of_total = (work.total_high - work.total_low) / P10_TO_P90
    return expected, scatter, sqrt(max(of_total**2 - float((scatter[:told] ** 2).sum()), 0.0)) / total


@dataclass(frozen=True)
class _Noise:
    """Standard normal numbers, the same for every backlog and every change, so that two answers differ by what was asked alone."""

    arrivals: Floats
    done: Floats
    level: Floats
    pace: Floats


@cache
def _noise() -> _Noise:
    numbers = np.random.Generator(np.random.PCG64(_SEED))
    return _Noise(
        numbers.standard_normal((FUTURES, DAYS_AHEAD)), numbers.standard_normal((FUTURES, DAYS_AHEAD)),
        numbers.standard_normal((FUTURES, DAYS_AHEAD // 14)), numbers.standard_normal(FUTURES),
    )  # fmt: skip
