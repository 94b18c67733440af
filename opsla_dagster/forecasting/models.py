"""The models of arrivals: each turns the histories of many series at many origins into forecasts, all at once.

A history is `WEEKS` whole weeks that end where its forecast begins, so that column j of a week has the weekday of every forecast day h with
h % 7 == j. Belongs here: one function a model. Does not belong here: which of them is served (backtest.py).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

#: Weeks of history that a model sees: a year and the four weeks that its first level needs.
WEEKS = 56
DAYS = 7 * WEEKS
#: Weeks that the weekday mean is over, and in which the seasonal naive forecast finds its day.
MEAN_WEEKS = 8
#: Days that a level is over.
LEVEL_DAYS = 28
#: Observed days without which there is no level.
_FEWEST_LEVEL_DAYS = 7
#: The weight of "a holiday is like any other day", in cases: one holiday of a small queue is no evidence.
HOLIDAY_PRIOR_CASES = 1.0
#: Added to the cases of a level, so that a quiet month is no proof that nothing will ever come.
LEVEL_PRIOR_CASES = 0.5
_ROUNDS = 40


@dataclass(frozen=True)
class Histories:
    """Daily arrivals before each origin, `(origins, DAYS)`: cases, whether the day was observed, whether it is a holiday.

    `holidays_ahead`, `(origins, horizon)`: of the days to forecast. What was not observed has 0 cases.
    """

    cases: Floats
    is_observed: Flags
    is_holiday: Flags
    holidays_ahead: Flags

    @property
    def horizon(self) -> int:
        return int(self.holidays_ahead.shape[1])


#: Histories -> expected cases `(origins, horizon)`; NaN where the history does not tell.
Model = Callable[[Histories], Floats]


def seasonal_naive(histories: Histories) -> Floats:
    """What the latest day of the same kind brought: of the last 8 weeks the latest same weekday that was no holiday, for a holiday the latest one.

    A weekday of which only holidays were observed has the latest of these, and a holiday before which there was none is forecast as its weekday.
    """
    cases, counted = _usual_weeks(histories)
    latest = MEAN_WEEKS - 1 - np.argmax(counted[:, ::-1, :], axis=1)
    value = np.take_along_axis(cases, latest[:, None, :], axis=1)[:, 0, :]
    holidays = histories.is_holiday & histories.is_observed
    last = DAYS - 1 - np.argmax(holidays[:, ::-1], axis=1)
    of_holiday = np.where(holidays.any(axis=1), np.take_along_axis(histories.cases, last[:, None], axis=1)[:, 0], np.nan)
    return _with_holidays(np.where(counted.any(axis=1), value, np.nan), of_holiday, histories)


def weekday_mean(histories: Histories) -> Floats:
    """The mean of the days of the same kind: of the last 8 weeks the same weekdays that were no holiday, for a holiday those of the year. Without such days as `seasonal_naive`."""
    cases, counted = _usual_weeks(histories)
    holidays = histories.is_holiday & histories.is_observed
    of_holiday = _ratio(np.where(holidays, histories.cases, 0.0).sum(axis=1), holidays.sum(axis=1))
    return _with_holidays(_ratio(np.where(counted, cases, 0.0).sum(axis=1), counted.sum(axis=1)), of_holiday, histories)


def poisson_regression(histories: Histories) -> Floats:
    """A Poisson regression with log link: weekday and holiday as factors, the level of the 28 days before as exposure.

    Factors are those of maximum likelihood over the history, found by fitting the two in turn: with two factors that is exact, and all origins
    are fitted at once. The holiday's is drawn towards 1 by one case.
    """
    cases, seen = histories.cases, histories.is_observed
    level = _levels(cases, seen & ~histories.is_holiday)
    used = seen & ~np.isnan(level[:, :-1])
    exposure, told = np.where(used, level[:, :-1], 0.0), np.where(used, cases, 0.0)
    weekday, holiday = _factors(*(_by_day(values, histories.is_holiday) for values in (told, exposure)))
    ahead = _ahead(weekday, histories.horizon) * level[:, -1:]
    return np.where(histories.holidays_ahead, ahead * holiday[:, None], ahead)


#: By name, the simplest first: of two that are equally good the first serves.
MODELS: dict[str, Model] = {"seasonal naive": seasonal_naive, "weekday mean": weekday_mean, "Poisson regression": poisson_regression}


def _usual_weeks(histories: Histories) -> tuple[Floats, Flags]:
    """`(origins, MEAN_WEEKS, 7)` each: cases, and which days count: observed and no holiday, or merely observed where a weekday has no such day."""
    shape, recent = (-1, MEAN_WEEKS, 7), slice(DAYS - 7 * MEAN_WEEKS, None)
    cases, seen = histories.cases[:, recent].reshape(shape), histories.is_observed[:, recent].reshape(shape)
    usual = seen & ~histories.is_holiday[:, recent].reshape(shape)
    return cases, np.where(usual.any(axis=1, keepdims=True), usual, seen)


def _with_holidays(by_weekday: Floats, of_holiday: Floats, histories: Histories) -> Floats:
    """The days ahead, `(origins, horizon)`: those of holidays by themselves, where they are known (`of_holiday` is not NaN)."""
    ahead = _ahead(by_weekday, histories.horizon)
    return np.where(histories.holidays_ahead & ~np.isnan(of_holiday)[:, None], of_holiday[:, None], ahead)


def _ahead(by_weekday: Floats, horizon: int) -> Floats:
    return by_weekday[:, np.arange(horizon) % 7]


def _levels(cases: Floats, is_usual: Flags) -> Floats:
    """`(origins, DAYS + 1)`: cases a day over the 28 days before each day, and before the origin; NaN with too few of these.

    The mean over weekdays of the mean of each weekday's usual days: a holiday or a day that was not loaded would else lower or raise the level
    for four weeks, by as much as its weekday is busier or quieter than others.
    """
    of_weekday = _last_four(is_usual.astype(np.float64))
    mean = _ratio(_last_four(np.where(is_usual, cases, 0.0)), of_weekday)
    days = _sums_before(of_weekday)
    level = _ratio(_sums_before(np.nan_to_num(mean)), _sums_before((of_weekday > 0).astype(np.float64)))
    return np.where(days >= _FEWEST_LEVEL_DAYS, level + LEVEL_PRIOR_CASES / np.maximum(days, 1), np.nan)


def _last_four(values: Floats) -> Floats:
    """`(origins, DAYS)`: the sum over each day and the three before it with its weekday."""
    padded = np.concatenate([np.zeros((len(values), LEVEL_DAYS - 7)), values], axis=1)
    return np.asarray(sum(padded[:, back : back + DAYS] for back in range(0, LEVEL_DAYS, 7)))


def _sums_before(values: Floats) -> Floats:
    """`(origins, DAYS + 1)`: the sum over the week before each day, and before the origin."""
    running = np.concatenate([np.zeros((len(values), 8)), np.cumsum(values, axis=1)], axis=1)
    return np.asarray(running[:, 7:] - running[:, : DAYS + 1])


def _by_day(values: Floats, is_holiday: Flags) -> Floats:
    """`(origins, 2, 7)`: sums by weekday, of usual days and of holidays."""
    holidays = np.where(is_holiday, values, 0.0).reshape(-1, WEEKS, 7).sum(axis=1)
    return np.stack([values.reshape(-1, WEEKS, 7).sum(axis=1) - holidays, holidays], axis=1)


def _factors(cases: Floats, exposure: Floats) -> tuple[Floats, Floats]:
    """Of weekdays `(origins, 7)`, of holidays `(origins,)`; NaN for a weekday without an observed day."""
    holiday = np.ones(len(cases))
    of_holidays = cases[:, 1].sum(axis=1) + HOLIDAY_PRIOR_CASES
    for _ in range(_ROUNDS):
        weekday = _ratio(cases.sum(axis=1), exposure[:, 0] + exposure[:, 1] * holiday[:, None])
        holiday = of_holidays / (np.nansum(weekday * exposure[:, 1], axis=1) + HOLIDAY_PRIOR_CASES)
    return weekday, holiday


def _ratio(above: Floats, below: Floats | Flags) -> Floats:
    """above / below; NaN where that is 0."""
    divisor = np.asarray(below, dtype=np.float64)
    return np.asarray(np.divide(above, divisor, out=np.full(np.broadcast(above, divisor).shape, np.nan), where=divisor > 0))
