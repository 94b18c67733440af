"""The section of the report that tells the forecast: what is expected, how the backlog stands to its usual size, and what cannot be said."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

import duckdb
import pytest

from opsla_dagster.catalog import TABLES
from opsla_dagster.center.pages.forecast import figures
from opsla_dagster.reporting.run_summary import Headline
from opsla_dagster.reporting.sections.common import Section
from opsla_dagster.reporting.sections.forecast import forecast
from opsla_dagster.reporting.wording import rate

TODAY = date(2026, 3, 2)
ALL = {"dimension": "all", "dimension_value": "all", "now_at": datetime(2026, 3, 2, 5)}
HEADLINE = cast("Headline", SimpleNamespace(zone="America/New_York"))


@pytest.fixture
def marts() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("create schema mart; create schema ops")
        for name in ("mart.forecast_arrivals", "mart.forecast_backtest", "mart.backlog_clear_forecast", "mart.backlog_daily", "ops.partition_as_of"):
            connection.execute(f"create table {name} ({', '.join(f'{column.name} {column.type}' for column in TABLES[name].columns)})")
        yield connection


def insert(connection: duckdb.DuckDBPyConnection, table: str, *found: dict[str, Any]) -> None:
    for row in found:
        connection.execute(f"insert into {table} ({', '.join(row)}) values ({', '.join('?' for _ in row)})", list(row.values()))


def days(**changes: Any) -> list[dict[str, Any]]:
    return [
        {**ALL, "calendar_date": TODAY + timedelta(days=ahead), "horizon_days": ahead + 1, "served_model": "weekday mean", "expected_cases": 10.0, "low_cases": 8, "high_cases": 12,
         "total_expected_cases": 10.0 * (ahead + 1), "total_low_cases": 9 * (ahead + 1), "total_high_cases": 11 * (ahead + 1), **changes}
        for ahead in range(14)
    ]  # fmt: skip


def told(marts: duckdb.DuckDBPyConnection) -> Section:
    section = forecast(marts, HEADLINE)
    assert section is not None
    return section


def test_what_is_expected_and_how_far_that_was_right(marts: duckdb.DuckDBPyConnection) -> None:
    insert(marts, "mart.forecast_arrivals", *days())
    insert(marts, "mart.forecast_backtest", {**ALL, "model": "as served", "is_served": False, "horizon_from_days": 1, "horizon_to_days": 14, "mean_absolute_error_cases": 1.25, "covered_pct": 81.3})
    flattered = {"model": "weekday mean", "is_served": True, "horizon_from_days": 1, "horizon_to_days": 14, "mean_absolute_error_cases": 0.5, "covered_pct": 99.0}
    insert(marts, "mart.forecast_backtest", {**ALL, **flattered})
    insert(marts, "mart.backlog_clear_forecast", {**ALL, "what_if": "as now", "goal": "usual", "open_cases": 90, "target_cases": 40.0, "reached_p50_date": date(2026, 4, 1), "clear_reason": "at this pace"})
    for back, opened in ((1, 7), (2, 17)):  # what moved on a date that is not loaded is of cases that came in before, and no arrival of its own
        insert(marts, "mart.backlog_daily", {"dimension": "all", "dimension_value": "all", "calendar_date": TODAY - timedelta(days=back), "opened_cases": opened, "reopened_cases": 2, "moved_in_cases": 0})
    insert(marts, "ops.partition_as_of", {"source": "s", "intake_date": TODAY - timedelta(days=1)})
    section = told(marts)
    assert section.finding == (
        "70 cases are expected in the 7 days from 2 Mar 2026, four times in five 63 to 77; 90 cases are open, against 40 usually, reached again by 1 Apr 2026 in half of the simulated futures."
    )
    assert (
        "What was served on the last 8 fortnights was off by 1.3 cases a day, and its 80% intervals held on 81% of the days on which cases were to be expected. Today serves: weekday mean."
    ) in section.how_to_read
    assert "came in 9" in str(section.data["svg"])
    assert "came in 19" not in str(section.data["svg"])


def test_a_backlog_that_does_not_come_down_is_said(marts: duckdb.DuckDBPyConnection) -> None:
    insert(marts, "mart.forecast_arrivals", *days(low_cases=None, high_cases=None, total_low_cases=None, total_high_cases=None))
    insert(marts, "mart.backlog_clear_forecast", {**ALL, "what_if": "as now", "goal": "usual", "open_cases": 90, "target_cases": 40.0, "clear_reason": "never at this pace"})
    section = told(marts)
    assert section.finding == "70 cases are expected in the 7 days from 2 Mar 2026; 90 cases are open, against 40 usually, and that is not reached again: never at this pace."
    assert "No past forecast can be judged yet." in section.how_to_read


def test_what_cannot_be_said_has_its_reason_and_no_picture(marts: duckdb.DuckDBPyConnection) -> None:
    empty = dict.fromkeys(("served_model", "expected_cases", "low_cases", "high_cases", "total_expected_cases", "total_low_cases", "total_high_cases"))
    insert(marts, "mart.forecast_arrivals", *days(**empty, forecast_reason="too short a history: 9 days since its first case, 28 are needed"))
    section = told(marts)
    assert section.finding == "What comes in next cannot be said: too short a history: 9 days since its first case, 28 are needed."
    assert not section.data


def test_without_arrivals_there_is_no_section(marts: duckdb.DuckDBPyConnection) -> None:
    assert forecast(marts, HEADLINE) is None


def test_the_page_shows_how_good_what_was_served_was_and_not_the_model_that_hindsight_chose() -> None:
    scored = {"scored_days": 112, "mean_arrived_cases": 10.0, "interval_days": 80, "mean_width_cases": 4.0}
    models = [
        {"model": "weekday mean", "is_served": True, "mean_absolute_error_cases": 0.5, "covered_pct": 99.0, **scored},
        {"model": "as served", "is_served": False, "mean_absolute_error_cases": 1.25, "covered_pct": 81.3, **scored},
    ]
    [_, _, error] = figures([{**day, "is_business_day": True} for day in days()], models, [])
    assert error.value == 1.25
    assert list(error.notes) == [
        "cases on average, of 10.0 a day, as served at the time", "its 80% intervals held on 81% of the 80 days on which cases were to be expected", "today serves: weekday mean",
    ]  # fmt: skip
    assert len(list(figures([{**day, "is_business_day": True} for day in days()], [models[0]], []))) == 2, "not judged yet: no figure, and no flattering one"


def test_an_error_that_is_wider_than_the_interval_says_why() -> None:
    """The few days that an interval misses weigh in the mean error, and not in the interval."""
    served = {"model": "as served", "is_served": False, "mean_absolute_error_cases": 42.3, "covered_pct": 79.0, "scored_days": 112, "mean_arrived_cases": 1746.5, "interval_days": 112, "mean_width_cases": 34.6}
    [_, _, error] = figures([{**day, "is_business_day": True} for day in days()], [served], [])
    assert "they reached 17.3 to either side on average; the mean error is larger by the days that they missed, far off as holidays are" in error.notes


@pytest.mark.parametrize(("figure", "words"), [(63.84, "63.8"), (0.0421, "0.042"), (0.5, "0.5"), (0.996, "1"), (0.0, "0.0"), (None, "–")])
def test_a_small_rate_keeps_its_digits(figure: float | None, words: str) -> None:
    assert rate(figure) == words
