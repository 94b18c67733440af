"""The period of error budgets where the desk's own calendar is not that of the golden tests."""

from __future__ import annotations

from datetime import datetime

import duckdb

from opsla_dagster.calendars import business_time
from opsla_dagster.catalog import TABLES
from opsla_dagster.settings.calendars import CalendarsSettings
from opsla_dagster.warehouse.sql import load_sql, sql_path
from opsla_dagster.warehouse.write import replace_whole


def test_twenty_business_days_of_a_desk_that_opens_once_a_week_are_twenty_weeks() -> None:
    """Wednesday 2025-08-06: the last of the 20 Sundays is 3 August, the first is 23 March."""
    calendars = CalendarsSettings.model_validate(
        {"horizon": {"start": "2025-01-01", "end": "2026-01-01"}, "calendars": {"desk": {"zone": "UTC", "hours": {"sun": ["08:00-18:00"]}}}}
    )
    table = TABLES["staging.business_time"]
    with duckdb.connect() as connection:
        connection.execute("create schema staging")
        connection.execute("create schema mart")
        connection.execute(f"create table {table.name} ({', '.join(f'{column.name} {column.type}' for column in table.columns)})")
        replace_whole(connection, table, business_time(calendars))
        connection.execute("create table mart.desk_now as select timestamp '2025-08-06 12:00:00' as now_at, date '2025-08-06' as now_date")
        found = connection.execute(
            f"select window_seconds, from_at from ({load_sql(sql_path('mart.burn_windows'))}) where window_name in ('period', 'ticket_long') order by window_name"
        ).fetchall()
    assert found == [(20 * 36_000, datetime(2025, 3, 23, 8)), (36_000, datetime(2025, 8, 3, 8))]
