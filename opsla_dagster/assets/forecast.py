"""Rows of the area `forecast` that are made in Python: forecasts of arrivals at past origins and today, and when backlogs are down.

Belongs here: one entry a table, reading what it is made from. Does not belong here: the arithmetic (forecasting/).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from opsla_dagster.assets.factory import PythonTable
from opsla_dagster.assets.python_rows import as_table, kept_rows
from opsla_dagster.assets.scope import Scope
from opsla_dagster.forecasting.backtest import AS_SERVED, FEWEST_ORIGINS, HORIZON, Backtest, Series, backtest
from opsla_dagster.forecasting.challengers import MOST_SERIES as MOST_CHALLENGED
from opsla_dagster.forecasting.challengers import challenge, installed_version, is_installed
from opsla_dagster.forecasting.clear_rows import clear_rows, goals, unclear, work_of
from opsla_dagster.forecasting.clearing import Change
from opsla_dagster.forecasting.history import LOOK_BACK, Arrivals, Calendar, series_of, unsayable
from opsla_dagster.forecasting.models import Floats
from opsla_dagster.identity import code_identity, identity
from opsla_dagster.settings.forecast import ForecastSettings
from opsla_dagster.warehouse.rows import rows_by_name
from opsla_dagster.window import Window

#: Series that are forecast: the desk, and its busiest queues of the last 56 days. What 600 queues take would be a minute of every refresh.
MOST_SERIES = 200
#: Backlogs that are simulated: the desk's, and those of the queues with most open cases. The command centre asks for any other.
MOST_BACKLOGS = 50
_FORECASTS = "mart.arrival_forecasts"
#: The code that makes forecasts.
_CODE = ("assets/forecast.py", "forecasting/backtest.py", "forecasting/challengers.py", "forecasting/history.py", "forecasting/models.py")
AS_NOW = "as now"
#: Queues that a sentence names.
_QUEUES_NAMED = 20
#: Series computed at a time: their arrays stay in the processor's cache.
_SERIES_A_BATCH = 16
_ALL = ("all", "all")
#: (dimension, dimension_value)
Key = tuple[str, str]

_ARRIVED = """
    with counted as (
        select queue, calendar_date, known_date, sum(opened_cases + reopened_cases) as of_desk, sum(opened_cases + reopened_cases + moved_in_cases) as of_queue
        from staging.arrivals
        where calendar_date >= $since and calendar_date < $today and known_date < $today
        group by all
    )
    select 'all' as dimension, 'all' as dimension_value, calendar_date, known_date, sum(of_desk)::bigint as cases from counted group by all having cases > 0
    union all
    select 'queue', queue, calendar_date, known_date, of_queue::bigint from counted where (select coalesce(bool_or(is_queue_told), false) from mart.backlog_sources)
    order by all
"""
_FIRST_DATES = """
    select 'all' as dimension, 'all' as dimension_value, min(calendar_date) as first_date from staging.arrivals where opened_cases + reopened_cases > 0
    union all
    select 'queue', queue, min(calendar_date) from staging.arrivals group by queue
    order by all
"""
_DATES = """
    select local_date, bool_or(is_open) as is_open, bool_or(kind = 'holiday') as is_holiday
    from staging.business_time
    where calendar = 'desk' and local_date >= $start and local_date < $end
    group by local_date
    order by local_date
"""


@dataclass(frozen=True)
class _Read:
    """Everything that forecasts rest on, and its identity: rows of the same are those that would be made again."""

    today: date
    arrived: Mapping[Key, Sequence[Arrivals]]
    first_dates: Mapping[Key, date]
    loaded: frozenset[date]
    calendar: Calendar
    settings: ForecastSettings
    identity: str

    @cached_property
    def days_ahead(self) -> list[tuple[bool, bool]]:
        """Of each day that is forecast whether it is a holiday's, and whether the desk is open."""
        flags = self.calendar.flags(self.today - timedelta(days=LOOK_BACK), LOOK_BACK + HORIZON)
        return [(bool(is_holiday), bool(is_open)) for is_holiday, is_open in list(zip(*flags, strict=True))[LOOK_BACK:]]


@dataclass(frozen=True)
class _Batch:
    """Some series that are forecast together."""

    keys: Sequence[Key]
    series: Series


def _arrival_forecasts(scope: Scope, part: Window | None) -> pa.Table:
    found = scope.connection.execute("select now_date from mart.desk_now").fetchall()
    if not found:
        return as_table(_FORECASTS, [])
    read = _read(scope, found[0][0])
    kept = kept_rows(scope, _FORECASTS, read.identity)
    return kept if kept is not None else _forecasts(read)


def _read(scope: Scope, today: date) -> _Read:
    since, end = today - timedelta(days=LOOK_BACK), today + timedelta(days=HORIZON)
    counted = scope.connection.execute(_ARRIVED, {"today": today, "since": since}).fetchall()
    first_dates = scope.connection.execute(_FIRST_DATES).fetchall()
    loaded = scope.connection.execute("select distinct intake_date from ops.partition_as_of where intake_date >= $since and intake_date < $today order by 1", {"today": today, "since": since}).fetchall()
    dates = scope.connection.execute(_DATES, {"start": since, "end": end}).fetchall()
    arrived: dict[Key, list[Arrivals]] = {}
    for dimension, value, day, known, cases in counted:
        arrived.setdefault((dimension, value), []).append(Arrivals(f"{dimension} {value}", day, known, cases))
    settings = scope.settings.forecast
    return _Read(
        today=today,
        arrived=arrived,
        first_dates={(dimension, value): day for dimension, value, day in first_dates},
        loaded=frozenset(day for (day,) in loaded),
        calendar=Calendar({day for day, is_open, _ in dates if is_open}, {day for day, _, is_holiday in dates if is_holiday}),
        settings=settings,
        identity=identity([code_identity(_CODE, ("numpy",)), today, counted, first_dates, loaded, dates, settings.statsforecast, installed_version()]),
    )


def _forecasts(read: _Read) -> pa.Table:
    made: list[pa.Table] = []
    unsaid: list[dict[str, Any]] = []
    forecast, left_out = _busiest(read.arrived, read.today)
    for number in range(0, len(forecast), _SERIES_A_BATCH):
        keys = forecast[number : number + _SERIES_A_BATCH]
        names = [f"{dimension} {value}" for dimension, value in keys]
        rows = [row for key in keys for row in read.arrived[key]]
        firsts = {name: read.first_dates[key] for name, key in zip(names, keys, strict=True)}
        batch = _Batch(keys, series_of(rows, names, firsts, read.loaded, read.calendar, read.today))
        made += _told(batch, read, is_challenged=number == 0)
    for key in left_out:
        unsaid += _unsaid(key, AS_SERVED, read, f"not asked: of queues, the {MOST_SERIES - 1} with most arrivals of the last 56 days are forecast")
    for name in read.settings.statsforecast if forecast and not is_installed() else ():
        unsaid += _unsaid(_ALL, name, read, "opsla[statsforecast] is not installed")
    return pa.concat_tables([*made, as_table(_FORECASTS, unsaid)])


def _busiest(arrived: Mapping[Key, Sequence[Arrivals]], today: date) -> tuple[list[Key], list[Key]]:
    """The series that are forecast, the desk first and then the busiest queues, and those that are not."""
    since = today - timedelta(days=56)
    recent = {key: sum(row.cases for row in rows if row.day >= since) for key, rows in arrived.items()}
    ordered = sorted(arrived, key=lambda key: (key != _ALL, -recent[key], key))
    return ordered[:MOST_SERIES], ordered[MOST_SERIES:]


def _told(batch: _Batch, read: _Read, *, is_challenged: bool) -> Iterator[pa.Table]:
    series = batch.series
    reasons = unsayable(series, read.today)
    asked = [number for number, reason in enumerate(reasons) if reason is None][:MOST_CHALLENGED] if is_challenged and is_installed() else []
    told: dict[str, Floats] = {name: challenge(series, name, asked) for name in read.settings.statsforecast} if asked else {}
    found = backtest(series, told)
    for name in found.told:
        yield _past(batch, read, found, name)
    yield as_table(_FORECASTS, _of_today(batch, read, found, reasons))


def _past(batch: _Batch, read: _Read, found: Backtest, model: str) -> pa.Table:
    """What one model said at the scored origins, series by series; nothing of origins at which it said nothing."""
    series, (expected, low, high) = batch.series, found.told[model]
    number, place = np.nonzero(~np.isnan(expected).all(axis=2))
    origins = np.asarray(found.origins, dtype=np.int64)[place]
    days = origins[:, None] + np.arange(HORIZON)
    today, rows = np.datetime64(read.today, "D"), len(number) * HORIZON

    keys = [batch.keys[int(here)] for here in number]

    def each(values: Sequence[str]) -> pa.Array:
        return pa.array(np.repeat(np.asarray(values, dtype=object), HORIZON), pa.string())

    made: dict[str, pa.Array] = {
        "dimension": each([dimension for dimension, _ in keys]), "dimension_value": each([value for _, value in keys]), "model": pa.array([model] * rows, pa.string()),
        "origin_date": pa.array(np.repeat(today + (origins - series.today), HORIZON)), "calendar_date": pa.array((today + (days - series.today)).ravel()),
        "horizon_days": pa.array(np.tile(np.arange(1, HORIZON + 1), len(number))), "is_business_day": pa.array(series.is_open[days].ravel()), "is_day_of_holiday": pa.array(series.is_holiday[days].ravel()),
        "expected_cases": _numbers(expected[number, place]), "low_cases": _counts(low[number, place]), "high_cases": _counts(high[number, place]), "arrived_cases": _counts(found.actual[number, place]),
        "scale_cases": _numbers(np.repeat(found.scale[number, place], HORIZON)), "made_from": pa.array([read.identity] * rows, pa.string()),
    }  # fmt: skip
    schema = as_table(_FORECASTS, []).schema
    return pa.table([made.get(field.name, pa.nulls(rows, field.type)) for field in schema], schema=schema)


def _numbers(values: Floats) -> pa.Array:
    return pa.array(values.ravel(), from_pandas=True)


def _counts(values: Floats) -> pa.Array:
    flat = values.ravel()
    return pa.array(np.nan_to_num(flat).astype(np.int64), mask=np.isnan(flat))


def _of_today(batch: _Batch, read: _Read, found: Backtest, reasons: Sequence[str | None]) -> Iterator[dict[str, Any]]:
    nothing = np.full(HORIZON, np.nan)
    for number, key in enumerate(batch.keys):
        model, pooled = int(found.today.model[number]), int(found.pooled_origins[number])
        reason = reasons[number]
        if reason is None and model < 0:
            reason = "a weekday was not loaded in any of the last 8 weeks"
        if reason is None and pooled < FEWEST_ORIGINS:
            reason = f"no interval: {pooled} past forecasts are over, {FEWEST_ORIGINS} are needed"
        is_said = reason is None or reason.startswith("no interval")
        today = [part[number] for part in (found.today.expected, found.today.low, found.today.high, *found.totals)] if is_said else [nothing] * 6
        for day, row in enumerate(_unsaid(key, AS_SERVED, read, reason)):
            yield {
                **row, "expected_cases": _number(today[0][day]), "low_cases": _count(today[1][day]), "high_cases": _count(today[2][day]),
                "served_model": found.names[model] if is_said else None, "total_expected_cases": _number(today[3][day]), "total_low_cases": _count(today[4][day]),
                "total_high_cases": _count(today[5][day]),
            }  # fmt: skip


def _unsaid(key: Key, model: str, read: _Read, reason: str | None) -> Iterator[dict[str, Any]]:
    """The days from today on, without figures."""
    for day, (is_holiday, is_open) in enumerate(read.days_ahead):
        yield {
            "dimension": key[0], "dimension_value": key[1], "model": model, "origin_date": read.today, "calendar_date": read.today + timedelta(days=day), "horizon_days": day + 1,
            "is_business_day": is_open, "is_day_of_holiday": is_holiday, "forecast_reason": reason, "made_from": read.identity,
        }  # fmt: skip


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _count(value: float) -> int | None:
    return None if np.isnan(value) else int(value)


# ---- when backlogs are down --------------------------------------------------------------------------------------------


def _backlog_clear_forecast(scope: Scope, part: Window | None) -> pa.Table:
    return as_table("mart.backlog_clear_forecast", list(_clear_rows(scope)))


def _clear_rows(scope: Scope) -> Iterator[dict[str, Any]]:
    settings = scope.settings.forecast
    values = rows_by_name(scope.connection, _VALUES)
    days: dict[Key, list[dict[str, Any]]] = {}
    for row in rows_by_name(scope.connection, "select * from mart.forecast_arrivals order by dimension, dimension_value, calendar_date"):
        days.setdefault((row["dimension"], row["dimension_value"]), []).append(row)
    changes = {AS_NOW: Change(), **{name: Change(each.heads_pct / 100, each.arrivals_pct / 100, each.handling_time_pct / 100) for name, each in settings.what_ifs.items()}}
    for place, row in enumerate(values):
        key = (row["dimension"], row["dimension_value"])
        reason = "not simulated: of queues, those with most open cases are; the page Forecast asks any" if place >= MOST_BACKLOGS else None
        for name, change in changes.items():
            yield from _clear_rows_of(key, row, days.get(key, []), settings, name, change, reason)
    if values:
        queues = {key[1] for key in days if key[0] == "queue"} | {row["dimension_value"] for row in values if row["dimension"] == "queue"}
        yield from _unknown_targets(settings, queues, values[0]["now_at"])


def _unknown_targets(settings: ForecastSettings, queues: Collection[str], now_at: datetime) -> Iterator[dict[str, Any]]:
    """Targets of queues that no case was ever in: a row each that says so and names those that exist; a check warns of them."""
    shown = ", ".join(sorted(queues)[:_QUEUES_NAMED]) + (f" and {len(queues) - _QUEUES_NAMED} more" if len(queues) > _QUEUES_NAMED else "")
    there_are = f"the queues are {shown}" if queues else "no source tells a queue"
    for queue, target in sorted(settings.targets.queues.items()):
        if queue not in queues:
            yield {
                "now_at": now_at, "dimension": "queue", "dimension_value": queue, "what_if": AS_NOW, "goal": "target", "heads_change_share": 0.0,
                "arrivals_change_share": 0.0, "handling_time_change_share": 0.0, "open_cases": 0, "target_cases": float(target),
                "clear_reason": f"no such queue (forecast.yml: targets.queues); {there_are}",
            }  # fmt: skip


_VALUES = """
    select
        health.now_at, health.dimension, health.dimension_value, health.open_cases, throughput.* exclude (now_at, dimension, dimension_value, is_today_begun),
        coalesce(throughput.is_today_begun, false) as is_today_begun
    from mart.queue_health as health
    left join mart.throughput as throughput on health.dimension = throughput.dimension and health.dimension_value = throughput.dimension_value
    where health.dimension in ('all', 'queue')
    order by health.dimension, health.open_cases desc, health.dimension_value
"""


def _clear_rows_of(
    key: Key, row: Mapping[str, Any], days: Sequence[Mapping[str, Any]], settings: ForecastSettings, name: str, change: Change, reason: str | None
) -> Iterator[dict[str, Any]]:
    asked = settings.targets.all if key == _ALL else settings.targets.queues.get(key[1])
    told = reason or unclear(row, days)
    work = None if told else work_of(row, days)
    known = {**goals(work, change, row["usual_open_cases"]), **({} if asked is None else {"target": float(asked)})}
    answers = clear_rows(row, work, known, change) if work is not None else ({"goal": goal, "target_cases": target, "clear_reason": told} for goal, target in known.items())
    for answer in answers:
        yield {
            "now_at": row["now_at"], "dimension": key[0], "dimension_value": key[1], "what_if": name, "heads_change_share": change.heads,
            "arrivals_change_share": change.arrivals, "handling_time_change_share": change.handling_time, "open_cases": row["open_cases"], **answer,
        }  # fmt: skip


FORECAST = {
    "mart.arrival_forecasts": PythonTable(
        _arrival_forecasts, deps=["staging.arrivals", "mart.backlog_sources", "mart.desk_now", "ops.partition_as_of", "staging.business_time"]
    ),
    "mart.backlog_clear_forecast": PythonTable(_backlog_clear_forecast, deps=["mart.forecast_arrivals", "mart.throughput", "mart.queue_health"]),
}
