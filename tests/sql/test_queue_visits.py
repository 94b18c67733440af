"""How many windows of a queue are looked at, which takes more cases than a golden test has."""

from __future__ import annotations

import duckdb

from opsla_dagster.calendars import business_time
from opsla_dagster.catalog import TABLES
from opsla_dagster.settings.calendars import CalendarsSettings
from opsla_dagster.warehouse.sql import load_sql, sql_path
from opsla_dagster.warehouse.write import ensure_table, replace_whole

_READ = ("staging.business_time", "staging.backlog_spans", "staging.sla_clocks", "staging.sla_policies", "mart.clock_now", "mart.desk_now")


def test_four_hundred_cases_in_the_last_window_are_enough() -> None:
    """A desk that never closes; one case a quarter of an hour to `busy` (480 in five days), one in 20 minutes to `calm` (360), for twelve days before now."""
    calendars = CalendarsSettings.model_validate(
        {"horizon": {"start": "2025-01-01", "end": "2026-01-01"}, "calendars": {"desk": {"zone": "UTC", "hours": {day: ["00:00-24:00"] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}}}}
    )
    with duckdb.connect() as connection:
        for schema in ("staging", "mart"):
            connection.execute(f"create schema {schema}")
        for name in _READ:
            ensure_table(connection, TABLES[name])
        replace_whole(connection, TABLES["staging.business_time"], business_time(calendars))
        connection.execute("insert into mart.desk_now (now_at, now_date, first_intake_date) values ('2025-07-16', '2025-07-16', '2025-07-01')")
        for queue, minutes in (("busy", 15), ("calm", 20)):
            connection.execute(f"""
                insert into staging.backlog_spans (case_id, intake_date, started_at, ended_at, stint_started_at, team, is_open, is_queue_kept_at_start, is_queue_kept_at_end)
                select '{queue}' || came_at, came_at::date, came_at, came_at + interval 10 minute, came_at, '{queue}', true, false, false
                from range(timestamp '2025-07-04 00:05', timestamp '2025-07-16', interval {minutes} minute) as cases(came_at)
            """)
        found = connection.execute(f"select queue, window_number, count(*) from ({load_sql(sql_path('mart.queue_visits'))}) group by all order by all").fetchall()
    assert found == [("busy", 1, 480), ("calm", 1, 360), ("calm", 2, 360)]
