"""What Now tells of a desk's pace, and what Forecast tells of it: of a desk whose weeks are alike both are the week, on whatever day they are asked.

The worked case of docs/decisions/0040-error-budget-and-now.md. Belongs here: figures of several tables that must agree. Does not belong here: any one of them (tests/sql/mart/).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from opsla_dagster.calendars import business_time
from opsla_dagster.catalog import TABLES
from opsla_dagster.forecasting.clear_rows import work_of
from opsla_dagster.forecasting.clearing import Change, net_cases_per_week, reached
from opsla_dagster.settings.calendars import CalendarsSettings
from opsla_dagster.warehouse.rows import rows_by_name
from opsla_dagster.warehouse.sql import load_sql, sql_path
from opsla_dagster.warehouse.write import replace_whole

#: Cases that come in and that leave, Monday to Sunday.
WORKS_WEEKENDS = (100, 100, 100, 100, 100, 20, 20), (60, 100, 100, 100, 100, 60, 20)
CLOSED_ON_WEEKENDS = (100, 100, 100, 100, 100, 20, 20), (140, 100, 100, 100, 100, 0, 0)
FIRST, MEMORIAL_DAY, MONDAY = date(2025, 5, 1), date(2025, 5, 26), date(2025, 7, 14)
READ = (
    "staging.business_time", "mart.backlog_daily", "mart.backlog_sources", "mart.backlog_now", "mart.desk_now", "mart.work_hours", "mart.arrival_hours", "ops.partition_as_of",
    "mart.snapshot_instants",
)  # fmt: skip
MADE = ("mart.pace_days", "mart.queue_health", "mart.burn_down", "mart.throughput")


@pytest.fixture(scope="module")
def desk() -> Iterator[duckdb.DuckDBPyConnection]:
    """A desk that is open from Monday to Friday, 10 hours a day, and closed on Memorial Day."""
    calendars = CalendarsSettings.model_validate(
        {"horizon": {"start": "2025-01-01", "end": "2026-01-01"},
         "calendars": {"desk": {"zone": "UTC", "hours": {"mon-fri": ["08:00-18:00"]}, "holidays": [{"date": MEMORIAL_DAY.isoformat(), "name": "Memorial Day"}]}}}
    )  # fmt: skip
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute("create schema staging; create schema mart; create schema ops")
        for name in (*READ, *MADE):
            connection.execute(f"create table {name} ({', '.join(f'{column.name} {column.type}' for column in TABLES[name].columns)})")
        replace_whole(connection, TABLES["staging.business_time"], business_time(calendars))
        insert(connection, "mart.backlog_sources", [{f"is_{what}_told": what == "status" for what in ("status", "queue", "priority", "tier", "region", "brand", "channel")}])
        yield connection


def insert(connection: duckdb.DuckDBPyConnection, table: str, rows: list[dict[str, Any]]) -> None:
    put = pa.Table.from_pylist(rows)
    connection.execute(f"truncate {table}; insert into {table} by name select * from put")
    del put


def told(connection: duckdb.DuckDBPyConnection, week: tuple[tuple[int, ...], tuple[int, ...]], today: date, *, past_due: int = 30, due: int = 0) -> Mapping[str, dict[str, Any]]:
    """The desk's row of each table at the start of `today`, after weeks that are alike; `due` cases fall due at the start of the next business day."""
    days = [FIRST + timedelta(days=offset) for offset in range((today - FIRST).days)]
    comes, goes = ([20 if day == MEMORIAL_DAY else by_weekday[day.weekday()] for day in days] for by_weekday in week)
    all_values = {"dimension": "all", "dimension_value": "all"}
    insert(connection, "mart.desk_now", [{"now_at": midnight(today), "now_date": today, "first_intake_date": FIRST, "last_intake_date": days[-1]}])
    insert(connection, "mart.snapshot_instants", [{"snapshot_date": day, "snapshot_from_at": midnight(day), "snapshot_at": midnight(day + timedelta(days=1))} for day in days])
    insert(connection, "ops.partition_as_of", [{"intake_date": day, "as_of_at": midnight(today)} for day in days])
    insert(connection, "mart.backlog_daily", [
        {**all_values, "calendar_date": day, "opened_cases": came, "reopened_cases": 0, "moved_in_cases": 0, "left_cases": gone, "cancelled_cases": 0, "moved_out_cases": 0, "open_cases": 300,
         "breached_open_cases": past_due, "debt_seconds": 0, "age_under_1_day_cases": 45 if day == MEMORIAL_DAY + timedelta(days=1) else 50 if day.weekday() < 5 else 5}
        for day, came, gone in zip(days, comes, goes, strict=True)
    ])  # fmt: skip
    insert(connection, "mart.work_hours", [
        {**all_values, "open_hour_number": 10 * offset + hour, "calendar_date": day, "waiting_cases_at_start": 300, "waiting_cases_at_end": 300, "gone_cases": gone // 10, "heads": 1.0, "heads_source": "schedule"}
        for offset, (day, gone) in enumerate(zip(days, goes, strict=True)) if day.weekday() < 5 and day != MEMORIAL_DAY for hour in range(10)
    ])  # fmt: skip
    due_at = midnight(next(day for ahead in range(1, 4) if (day := today + timedelta(days=ahead)).weekday() < 5))
    insert(connection, "mart.backlog_now", [
        {"case_id": str(number), "waits_for": "us", "breached_clocks": int(number < past_due), "debt_seconds": 0, "age_calendar_minutes": 1.0, "age_business_minutes": 1.0,
         "next_due_at": due_at if past_due <= number < past_due + due else None}
        for number in range(300)
    ])  # fmt: skip
    for name in MADE:
        connection.execute(f"truncate {name}; insert into {name} by name {load_sql(sql_path(name))}")
    return {name: rows_by_name(connection, f"select * from {name} where dimension = 'all' order by {order}")[-1] for name, order in (("mart.queue_health", "1"), ("mart.throughput", "1"), ("mart.burn_down", "calendar_date"))}


def midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day)


def arrivals(week: tuple[int, ...], today: date) -> list[dict[str, Any]]:
    """A forecast of 14 days that are like every week."""
    days = [today + timedelta(days=ahead) for ahead in range(14)]
    return [
        {"calendar_date": day, "expected_cases": float(week[day.weekday()]), "low_cases": week[day.weekday()], "high_cases": week[day.weekday()], "is_business_day": day.weekday() < 5,
         "is_day_of_holiday": False, "forecast_reason": None, "total_low_cases": 1080, "total_high_cases": 1080}
        for day in days
    ]  # fmt: skip


@pytest.mark.parametrize("week", [WORKS_WEEKENDS, CLOSED_ON_WEEKENDS], ids=["works on weekends", "closed on weekends"])
def test_a_week_is_a_week_on_whatever_day_it_is_told(desk: duckdb.DuckDBPyConnection, week: tuple[tuple[int, ...], tuple[int, ...]]) -> None:
    """540 come in and 540 leave a week: 108 a business day, 10.8 an open hour. On business days alone 100 come, and 92 or 108 leave."""
    for weekday in range(7):
        today = MONDAY + timedelta(days=weekday)
        found = told(desk, week, today)
        health, burn, throughput = found["mart.queue_health"], found["mart.burn_down"], found["mart.throughput"]
        assert (health["arrived_cases_per_business_hour"], health["left_cases_per_business_hour"], health["worked_days"]) == (10.8, 10.8, 10)
        assert (burn["arriving_cases_per_business_day"], burn["leaving_cases_per_business_day"], burn["cleared_after_business_days"]) == (108, 108, None)
        comes, goes = net_cases_per_week(work_of({**throughput, "open_cases": 300}, arrivals(week[0], today)), Change())
        assert comes == 540
        assert throughput["fewest_new_cases"] == 45, "of all business days, the one after the holiday too; weekends are none"
        assert goes == pytest.approx(540), "Memorial Day and the six days after it do not count, nor one Monday more than Tuesdays"


@pytest.mark.parametrize("due", [0, 40, 250])
def test_now_has_a_figure_wherever_forecast_has_a_date(desk: duckdb.DuckDBPyConnection, due: int) -> None:
    """With a third more heads the backlog is down within a month, so nothing is past due then: Now must not have said never, however much falls due tomorrow, and not a later day either."""
    found = told(desk, WORKS_WEEKENDS, MONDAY, due=due)
    health = found["mart.queue_health"]
    [down] = reached(work_of({**found["mart.throughput"], "open_cases": 300}, arrivals(WORKS_WEEKENDS[0], MONDAY)), [50], Change(heads=1 / 3))
    assert down is not None
    assert down.share == 1.0
    assert down.p50_open_days is not None
    # 30 past due, and what falls due within the 20 open hours to the end of Tuesday, at 10.8 an hour; all of it, where that takes longer.
    bound = 60 * 30 / (10.8 - due / 20) if 30 + due < 216 else 60 * (30 + due) / 10.8
    assert health["to_green_business_minutes"] == pytest.approx(bound)
    assert health["to_green_business_minutes"] < 600 * down.p50_open_days
    assert health["health"] == ("amber" if due < 250 else "red")
