"""Forecast: what comes in on the next days, how far that can be trusted, and when backlogs are down.

Belongs here: this one section. Does not belong here: what it looks like (templates/forecast.html.j2), and the figures (mart.forecast_arrivals ...).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import duckdb

from opsla_dagster.figures import nearest
from opsla_dagster.reporting import wording
from opsla_dagster.reporting.charts import Chart, Line, date_ticks, draw, positions
from opsla_dagster.reporting.marts import Row, rows
from opsla_dagster.reporting.run_summary import Headline
from opsla_dagster.reporting.sections.common import MOST_TABLE_ROWS, Section, Table

_TABLES = ("mart.forecast_arrivals", "mart.forecast_backtest", "mart.backlog_clear_forecast", "mart.backlog_daily")
_DAYS = "select * from mart.forecast_arrivals where dimension = 'all' order by calendar_date"
#: A date on which nothing moved and nothing was open has no row there, and no dot; nor has one that is not loaded.
_BEFORE = """
    select calendar_date, opened_cases + reopened_cases + moved_in_cases as arrived_cases
    from mart.backlog_daily
    where dimension = 'all' and calendar_date >= $today - interval 56 day and calendar_date < $today
        and calendar_date in (select intake_date from ops.partition_as_of)
    order by calendar_date
"""
_VALUES = """
    select
        week.dimension, week.dimension_value, week.served_model, week.total_expected_cases, week.total_low_cases, week.total_high_cases,
        week.forecast_reason, backtest.mean_absolute_error_cases, backtest.covered_pct, clear.open_cases, clear.target_cases, clear.reached_p50_date, clear.clear_reason
    from mart.forecast_arrivals as week
    left join mart.forecast_backtest as backtest
        on week.dimension = backtest.dimension and week.dimension_value = backtest.dimension_value and backtest.model = 'as served'
        and backtest.horizon_from_days = 1 and backtest.horizon_to_days = 14
    left join mart.backlog_clear_forecast as clear
        on week.dimension = clear.dimension and week.dimension_value = clear.dimension_value and clear.what_if = 'as now' and clear.goal = 'usual'
    where week.horizon_days = 7
    order by week.dimension, week.total_expected_cases desc nulls last, week.dimension_value
"""


def forecast(connection: duckdb.DuckDBPyConnection, headline: Headline) -> Section | None:
    """What is expected of the desk and of its queues; None while nothing came in."""
    days = rows(connection, _DAYS, *_TABLES)
    if not days:
        return None
    values = rows(connection, _VALUES, *_TABLES)
    before = rows(connection, _BEFORE, *_TABLES, "ops.partition_as_of", parameters={"today": days[0]["calendar_date"]})
    is_told = days[0]["expected_cases"] is not None
    section = partial(Section, key="forecast", title="Forecast", tables=_TABLES, finding=_finding(days, values), definition=_DEFINITION, table=_table(values))
    if not is_told:
        return section()
    return section(
        how_to_read=f"As of {wording.local_instant(days[0]['now_at'], headline.zone)} ({headline.zone}). Dots: what came in. Line: what is expected; four days in five lie between the grey ones. {_trust(values[0])}",
        data={"svg": draw(_chart(before, days), 900, 260)},
    )


_DEFINITION = (
    "Arrivals: cases opened and reopened, and of a queue those moved into it, so that queues add up to more than all. The model that did best on the last 8 fortnights serves, the seasonal naive one "
    "(the same weekday last week) unless another was better by 5% or more; intervals are as wide as past errors were. Usual backlog: the median at the end of the last business days."
)


def _finding(days: Sequence[Row], values: Sequence[Row]) -> str:
    if days[0]["expected_cases"] is None:
        return f"What comes in next cannot be said: {days[0]['forecast_reason']}."
    week = days[6]
    text = f"{wording.counted(nearest(week['total_expected_cases']), 'case is', 'cases are')} expected in the 7 days from {wording.day(days[0]['calendar_date'])}"
    if week["total_low_cases"] is not None:
        text += f", four times in five {wording.count(week['total_low_cases'])} to {wording.count(week['total_high_cases'])}"
    return f"{text}; {_backlog(values[0])}."


def _backlog(row: Row) -> str:
    if row["open_cases"] is None or row["target_cases"] is None:
        return "nothing can be said of the backlog"
    usual = f"{wording.counted(row['open_cases'], 'case is', 'cases are')} open, against {wording.count(row['target_cases'])} usually"
    if row["open_cases"] <= row["target_cases"]:
        return usual
    if row["reached_p50_date"] is None:
        return f"{usual}, and that is not reached again: {row['clear_reason']}"
    return f"{usual}, reached again by {wording.day(row['reached_p50_date'])} in half of the simulated futures"


def _trust(row: Row) -> str:
    if row["mean_absolute_error_cases"] is None:
        return "No past forecast can be judged yet."
    held = "" if row["covered_pct"] is None else f", and its 80% intervals held on {wording.percent(row['covered_pct'], 0)} of the days on which cases were to be expected"
    return f"What was served on the last 8 fortnights was off by {wording.decimal(row['mean_absolute_error_cases'])} cases a day{held}. Today serves: {row['served_model']}."


def _chart(before: Sequence[Row], days: Sequence[Row]) -> Chart:
    came: Mapping[Any, int] = {row["calendar_date"]: row["arrived_cases"] for row in before}
    dates = [*(row["calendar_date"] for row in before), *(row["calendar_date"] for row in days)]
    empty: list[None] = [None] * len(before)
    return Chart(
        key="forecast-arrivals",
        title="Arrivals by day",
        description=f"What came in on the last {len(before)} days, and what is expected of the next {len(days)}: {wording.count(days[-1]['total_expected_cases'])} in all.",
        xs=positions(dates),
        x_ticks=date_ticks(dates, 8),
        lines=[
            Line("from", [*empty, *(row["low_cases"] for row in days)], "tone-soft"),
            Line("to", [*empty, *(row["high_cases"] for row in days)], "tone-soft"),
            Line("came in", [*(came[day] for day in dates[: len(before)]), *([None] * len(days))], "tone-ink", "dots"),
            Line("expected", [*empty, *(row["expected_cases"] for row in days)], "tone-a"),
        ],
        shade_from=positions([days[0]["calendar_date"]])[0],
        tooltips=[
            *(f"{wording.day(row['calendar_date'])}\ncame in {wording.count(row['arrived_cases'])}" for row in before),
            *(f"{wording.day(row['calendar_date'])}\nexpected {wording.decimal(row['expected_cases'])}" for row in days),
        ],
    )


def _table(values: Sequence[Row]) -> Table:
    shown = values[:MOST_TABLE_ROWS]
    return Table(
        head=["Queue", "Expected in 7 days", "From", "To", "Off by, a day", "Interval held", "Open", "Usually", "Back at that", "Model, or what cannot be said"],
        rows=[
            [
                row["dimension_value"], wording.count(row["total_expected_cases"]), wording.count(row["total_low_cases"]), wording.count(row["total_high_cases"]),
                wording.decimal(row["mean_absolute_error_cases"]), wording.percent(row["covered_pct"], 0), wording.count(row["open_cases"]), wording.count(row["target_cases"]),
                "now" if _is_usual(row) else wording.day(row["reached_p50_date"]), row["forecast_reason"] or row["served_model"],
            ]
            for row in shown
        ],
        note=f"The {MOST_TABLE_ROWS} busiest of {wording.count(len(values))}; all are in mart.forecast_arrivals." if len(values) > len(shown) else "",
    )  # fmt: skip


def _is_usual(row: Row) -> bool:
    return row["open_cases"] is not None and row["target_cases"] is not None and bool(row["open_cases"] <= row["target_cases"])
