"""The rolling-origin backtest: what each model would have said at past origins, which of them serves, and how wide its intervals are.

Belongs here: origins, errors, the choice, conformal intervals. Does not belong here: a model (models.py), and rows of tables (assets/forecast.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from opsla_dagster.forecasting.models import DAYS, MODELS, Flags, Floats, Histories

Integers = npt.NDArray[np.int64]

#: Days that are forecast.
HORIZON = 14
#: Origins that a backtest reports, `HORIZON` days apart, so that no day is scored twice.
SCORED = 8
#: Origins, one a day, of which all days are over: so many choose the model.
CHOICE = HORIZON * SCORED
#: Days before an origin whose errors make its intervals, each as it was forecast 1 to `HORIZON` days ahead.
POOL = 28
#: Fewer past origins choose nothing and make no interval.
FEWEST_ORIGINS = 12
#: A model serves in the place of the seasonal naive one where its error is smaller by this share or more.
MARGIN = 0.05
#: Share of days that an interval is to cover.
COVERAGE = 0.8
#: Of the last 56 days so many must be observed.
RECENT, FEWEST_DAYS = 56, 28
#: A forecast of less than a quarter of a case scatters like one of a quarter.
_LEAST_SCALE = 0.25
#: A group of days with fewer errors is judged with the other group.
_FEWEST_ERRORS = 40


@dataclass(frozen=True)
class Series:
    """Daily arrivals of several series up to, not including, today.

    `cases`, `(series, days)`: as known today. `late`: rows (series, day, day on which it became known, cases), days as positions; what became
    known on its own day is not among them. `is_observed`, `(series, days)`. `is_holiday`, `is_open`, `(days + horizon,)`: of the calendar.
    """

    cases: Floats
    late: Integers
    is_observed: Flags
    is_holiday: Flags
    is_open: Flags

    @property
    def today(self) -> int:
        return int(self.cases.shape[1])


#: Expected, low and high.
Band = tuple[Floats, Floats, Floats]


@dataclass(frozen=True)
class Forecast:
    """What was said of the days after one origin: `(series, horizon)` each; `model`, `(series,)`: position in `names`, -1 where none can be said."""

    expected: Floats
    low: Floats
    high: Floats
    model: Integers


@dataclass(frozen=True)
class Backtest:
    """The models by `names`, what serves today, and what the scored origins would have said.

    `today`: as served. `totals`: expected, low and high of the days added up so far, `(series, horizon)` each. `origins`: positions of the scored
    origins, the latest first; `actual`, `(series, origins, horizon)`: NaN where not observed. `told[name]`: of each model and, as "as served", of
    what was chosen with the knowledge of each origin: expected, low, high `(series, origins, horizon)`. `scale`, `(series, origins)`: mean error
    of the seasonal naive forecast within the history of each origin. `errors`, `(models, series)`: mean absolute errors that today's choice rests on.
    """

    names: Sequence[str]
    today: Forecast
    totals: Band
    origins: Sequence[int]
    actual: Floats
    told: Mapping[str, Band]
    scale: Floats
    errors: Floats
    pooled_origins: Integers


AS_SERVED = "as served"


def known_at(series: Series, origins: Sequence[int], days: int = DAYS) -> tuple[Floats, Flags]:
    """Cases and observed days of the `days` before each origin, as known at its end: `(series, origins, days)` each."""
    count = len(series.cases)
    padded = np.concatenate([np.zeros((count, days)), series.cases], axis=1)
    seen = np.concatenate([np.zeros((count, days), dtype=np.bool_), series.is_observed], axis=1)
    places = np.asarray(origins)[:, None] + np.arange(days)
    cases = padded[:, places]
    for place, origin in enumerate(origins):
        unknown = series.late[(series.late[:, 2] >= origin) & (series.late[:, 1] < origin) & (series.late[:, 1] >= origin - days)]
        np.subtract.at(cases[:, place], (unknown[:, 0], unknown[:, 1] - origin + days), unknown[:, 3])
    return cases, seen[:, places]


def forecasts(series: Series, origins: Sequence[int], horizon: int = HORIZON) -> Floats:
    """`(models, series, origins, horizon)`: NaN where the history of the origin is too short or full of holes."""
    cases, seen = known_at(series, origins)
    count = len(cases)
    padded = np.concatenate([np.zeros(DAYS, dtype=np.bool_), series.is_holiday])
    places = np.asarray(origins)[:, None]
    before = np.tile(padded[places + np.arange(DAYS)], (count, 1))
    ahead = np.tile(series.is_holiday[places + np.arange(horizon)], (count, 1))
    histories = Histories(cases.reshape(-1, DAYS), seen.reshape(-1, DAYS), before, ahead)
    is_enough = histories.is_observed[:, -RECENT:].sum(axis=1) >= FEWEST_DAYS
    told = [np.where(is_enough[:, None], model(histories), np.nan).reshape(count, len(origins), horizon) for model in MODELS.values()]
    return np.stack(told)


def backtest(series: Series, challengers: Mapping[str, Floats] | None = None) -> Backtest:
    """Everything about the series; `challengers`: forecasts of further models at `all_origins`, NaN where they were not asked."""
    origins = all_origins(series)
    further = challengers or {}
    told = np.concatenate([forecasts(series, origins), *(each[None] for each in further.values())])
    actual = _actual(series, origins, series.today)
    position = {origin: place for place, origin in enumerate(origins)}
    scored = [origin for back in range(1, SCORED + 1) if (origin := series.today - HORIZON * back) in position]
    found = {origin: _at(series, origin, origins, told) for origin in [series.today, *scored]}
    names = [*MODELS, *further]
    bands = {name: [found[origin].bands[model] for origin in scored] for model, name in enumerate(names)}
    bands[AS_SERVED] = [(found[origin].served.expected, found[origin].served.low, found[origin].served.high) for origin in scored]
    now = found[series.today]
    return Backtest(
        names=names,
        today=now.served,
        totals=now.totals,
        origins=scored,
        actual=actual[:, [position[origin] for origin in scored]],
        told={name: _by_origin(each, len(series.cases)) for name, each in bands.items()},
        scale=_scale(series, scored),
        errors=now.errors,
        pooled_origins=now.pooled,
    )


def _by_origin(bands: Sequence[Band], count: int) -> Band:
    """Of bands `(series, horizon)`, one an origin, each part `(series, origins, horizon)`."""
    empty = np.zeros((count, 0, HORIZON))
    parts = [np.stack([band[part] for band in bands], axis=1) if bands else empty for part in range(3)]
    return parts[0], parts[1], parts[2]


def all_origins(series: Series) -> list[int]:
    """The origins that are needed, one a day and in order, up to today."""
    first = max(FEWEST_DAYS, series.today - HORIZON * SCORED - HORIZON - CHOICE + 1)
    return [*range(first, series.today), series.today]


@dataclass(frozen=True)
class _At:
    """What can be said at one origin: each model's band, what serves, totals, the errors that this rests on, and of how many origins."""

    bands: Sequence[Band]
    served: Forecast
    totals: Band
    errors: Floats
    pooled: Integers


def _at(series: Series, origin: int, origins: Sequence[int], told: Floats) -> _At:
    """Chosen and made with what was known at `origin`: the model by origins all of whose days were over, the intervals by the days just before."""
    errors = _actual(series, origins, origin)[None] - told
    over = [place for place, past in enumerate(origins) if origin - HORIZON - CHOICE < past <= origin - HORIZON]
    choice, mean_errors, pooled = _chosen(errors[:, :, over])
    ahead = told[:, :, origins.index(origin)]
    # A model that says nothing of these days does not serve.
    choice = np.where(np.isnan(_of_choice(ahead, choice)).any(axis=1), 0, choice)
    past = _past(origin, origins)
    bands: list[Band] = []
    for model, expected in enumerate(ahead):
        width = _widths(_pooled(errors[model], past), _pooled(told[model], past), *_is_open(series, origin), pooled)
        bands.append((expected, *_band(expected, width)))
    served = [_of_choice(np.stack([band[part] for band in bands]), choice) for part in range(3)]
    summed = [_pooled(np.cumsum(_of_choice(each, choice), axis=2), past) for each in (errors, told)]
    totals = _totals(served[0], summed[0], summed[1], pooled)
    said = np.where(np.isnan(served[0]).any(axis=1), -1, choice)
    return _At(bands, Forecast(served[0], served[1], served[2], said), totals, mean_errors, pooled)


def _past(origin: int, origins: Sequence[int]) -> Integers:
    """`(POOL, HORIZON)`: the place in `origins` from which each of the last days, the latest first, was forecast so far ahead; -1 where there is none."""
    return np.asarray(np.maximum(origin - 1 - np.arange(POOL)[:, None] - np.arange(HORIZON) - origins[0], -1))


def _pooled(values: Floats, past: Integers) -> Floats:
    """Of values `(series, origins, horizon)` those of `past`: `(series, POOL, HORIZON)`, NaN where there was no origin."""
    return np.where(past >= 0, values[:, np.maximum(past, 0), np.arange(HORIZON)], np.nan)


def _is_open(series: Series, origin: int) -> tuple[Flags, Flags]:
    """Of the days before `origin`, `(POOL, HORIZON)` as they lie in a pool, and of those ahead, `(HORIZON,)`."""
    before = series.is_open[np.maximum(origin - 1 - np.arange(POOL), 0)]
    return np.tile(before[:, None], (1, HORIZON)), series.is_open[origin : origin + HORIZON]


def _of_choice(values: Floats, choice: Integers) -> Floats:
    """`values`, `(models, series, ...)`, of the model of each series."""
    return np.asarray(values[choice, np.arange(len(choice))])


def _chosen(errors: Floats) -> tuple[Integers, Floats, Integers]:
    """Of each series the position of the model that serves, all models' mean absolute errors `(models, series)`, and of how many origins.

    A challenger that was asked at some origins alone is compared with the baseline at these; two that are equally good: the first.
    """
    absolute = np.abs(errors)
    asked = ~np.isnan(absolute) & ~np.isnan(absolute[:1])
    mean = _mean(absolute, asked)
    ratio = np.divide(mean, base := _mean(np.broadcast_to(absolute[:1], absolute.shape), asked), out=np.full(mean.shape, np.inf), where=base > 0)
    origins = asked.any(axis=3).sum(axis=2)
    ratio[np.isnan(ratio) | (origins < FEWEST_ORIGINS)] = np.inf
    best = np.argmin(ratio, axis=0)
    return np.where(_of_choice(ratio, best) <= 1 - MARGIN, best, 0), mean, np.asarray(origins[0])


def _mean(values: Floats, is_counted: Flags) -> Floats:
    """Over origins and days; NaN where nothing counts."""
    days = is_counted.sum(axis=(2, 3))
    return np.asarray(np.divide(np.where(is_counted, values, 0).sum(axis=(2, 3)), days, out=np.full(days.shape, np.nan), where=days > 0))


def _widths(errors: Floats, told: Floats, is_open: Flags, is_open_ahead: Flags, pooled: Integers) -> Floats:
    """Half width of the interval in units of sqrt(forecast) `(series, horizon)`: conformal, of open days and of others apart; NaN: unknown."""
    scores = (np.abs(errors) / np.sqrt(np.maximum(told, _LEAST_SCALE))).reshape(len(errors), -1)
    of_all = _conformal(scores)
    width = np.full((len(errors), len(is_open_ahead)), np.nan)
    for kind in (True, False):
        of_kind = scores[:, (is_open == kind).reshape(-1)]
        is_enough = (~np.isnan(of_kind)).sum(axis=1) >= _FEWEST_ERRORS
        width[:, is_open_ahead == kind] = np.where(is_enough, _conformal(of_kind), of_all)[:, None]
    return np.where((pooled >= FEWEST_ORIGINS)[:, None], width, np.nan)


def _conformal(scores: Floats) -> Floats:
    """Of each row the smallest score that `COVERAGE` of the rows' scores, and of one more, lie within; NaN for a row without scores."""
    if not scores.shape[1]:
        return np.full(len(scores), np.nan)
    ordered = np.sort(scores, axis=1)  # NaN last
    count = (~np.isnan(scores)).sum(axis=1)
    rank = np.minimum(np.ceil((count + 1) * COVERAGE), count).astype(np.int64)
    return np.where(count > 0, np.take_along_axis(ordered, np.maximum(rank - 1, 0)[:, None], axis=1)[:, 0], np.nan)


def _band(expected: Floats, width: Floats) -> tuple[Floats, Floats]:
    """Whole cases from and to: those within expected +- width * sqrt(expected), or next to it where there are none within."""
    half = width * np.sqrt(np.maximum(expected, _LEAST_SCALE))
    low, high = np.ceil(np.maximum(expected - half - 1e-9, 0)), np.floor(expected + half + 1e-9)
    is_empty = low > high
    return np.where(is_empty, np.floor(expected), low), np.where(is_empty, np.ceil(expected), high)


def _totals(expected: Floats, errors: Floats, told: Floats, pooled: Integers) -> Band:
    """The days added up so far: expected, low and high. `errors` and `told` are of sums; a missing day of a past origin makes its later sums unknown."""
    total = np.cumsum(expected, axis=1)
    scores = np.abs(errors) / np.sqrt(np.maximum(told, _LEAST_SCALE))
    width = np.stack([_conformal(scores[:, :, day]) for day in range(expected.shape[1])], axis=1)
    low, high = _band(total, np.where((pooled >= FEWEST_ORIGINS)[:, None], width, np.nan))
    # Totals never fall, and so do their ends; each day's own width errs a little.
    return total, np.maximum.accumulate(low, axis=1), np.maximum.accumulate(high, axis=1)


def _actual(series: Series, origins: Sequence[int], at: int) -> Floats:
    """`(series, origins, horizon)`: what came, as known at the end of the day before `at`; NaN where not observed or not over."""
    cases, seen = known_at(series, [at], at)
    told = np.full((len(cases), origins[-1] + HORIZON), np.nan)
    told[:, :at] = np.where(seen[:, 0], cases[:, 0], np.nan)
    return np.asarray(told[:, np.asarray(origins)[:, None] + np.arange(HORIZON)])


def _scale(series: Series, origins: Sequence[int]) -> Floats:
    """Mean error of the seasonal naive forecast within the history of each origin: what MASE is in units of; NaN where there is none, or it is 0."""
    if not origins:
        return np.zeros((len(series.cases), 0))
    cases, seen = known_at(series, origins)
    both = seen[:, :, 7:] & seen[:, :, :-7]
    days = both.sum(axis=2)
    total = np.where(both, np.abs(cases[:, :, 7:] - cases[:, :, :-7]), 0).sum(axis=2)
    return np.where((days > 0) & (total > 0), total / np.maximum(days, 1), np.nan)
