"""`opsla agents`: the month that it takes of itself, and what it says of its columns."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb
import pytest
from rich.console import Console

from opsla_dagster.catalog import TABLES
from opsla_dagster.reporting.agents import agents_table
from opsla_dagster.settings.home import Home
from opsla_dagster.warehouse.schema_version import SCHEMA_VERSION, VERSION_TABLE
from opsla_dagster.warehouse.write import ensure_table


def home_in(directory: Path, now_date: date, *months: date) -> Home:
    """A home in which one agent took a case in each of the months."""
    home = Home(directory)
    with duckdb.connect(str(home.warehouse)) as connection:
        connection.execute("create schema mart; create schema ops")
        for name in ("mart.agent_activity", "mart.desk_now"):
            ensure_table(connection, TABLES[name])
        connection.execute(f"create table {VERSION_TABLE} as select {SCHEMA_VERSION} as schema_version, 'this one' as opsla_version")
        connection.execute("insert into mart.desk_now (now_date) values ($now_date)", {"now_date": now_date})
        for month in months:
            connection.execute(
                "insert into mart.agent_activity (source, month_date, agent, public_reply_count, private_note_count, taken_cases, resolved_cases, "
                "reopened_after_cases, first_replied_cases) values ('log', $month, 'kim', 0, 0, 1, 0, 0, 0)",
                {"month": month},
            )
    return home


def shown(home: Home, month: date | None = None) -> str:
    with (console := Console(width=200, color_system=None)).capture() as capture:
        console.print(agents_table(home, month))
    return capture.get()


@pytest.mark.parametrize(
    ("now_date", "heading"),
    [
        (date(2025, 12, 28), "Agents in December 2025, the month of now, 28 Dec 2025"),
        (date(2026, 1, 1), "Agents in December 2025, the last month with any activity: now is 1 Jan 2026"),
        (date(2025, 10, 31), "Agents in November 2025, the first month with any activity: now is 31 Oct 2025"),
    ],
)
def test_a_late_case_does_not_choose_the_month(tmp_path: Path, now_date: date, heading: str) -> None:
    home = home_in(tmp_path, now_date, date(2025, 11, 1), date(2025, 12, 1), date(2026, 2, 1))
    assert shown(home).splitlines()[0].strip() == heading


def test_a_month_that_is_asked_for_needs_no_reason(tmp_path: Path) -> None:
    home = home_in(tmp_path, date(2025, 12, 28), date(2025, 12, 1), date(2026, 2, 1))
    assert shown(home, date(2026, 2, 1)).splitlines()[0].strip() == "Agents in February 2026"


def test_a_footnote_says_whose_a_resolved_case_is(tmp_path: Path) -> None:
    told = " ".join(shown(home_in(tmp_path, date(2025, 12, 28), date(2025, 12, 1))).split())
    assert "Resolved: cases that the agent held when they were resolved or closed, whoever wrote that change" in told
