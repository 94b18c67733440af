"""The identity of what staffing follows from: another one where anything that is read has changed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import duckdb
import pytest

from opsla_dagster.catalog import TABLES
from opsla_dagster.staffing.made_from import Bounds, of_queues
from opsla_dagster.warehouse.bookkeeping import MADE_DATES, create_bookkeeping
from opsla_dagster.warehouse.write import ensure_table

BOUNDS = Bounds(date(2025, 8, 11), 8)
READ = (
    "mart.desk_now", "staging.sla_clocks", "staging.case_milestones", "staging.business_time", "raw.staffing_schedule", "staging.sla_metric_rules", "staging.ownership_spans",
)  # fmt: skip


@pytest.fixture
def desk() -> Iterator[duckdb.DuckDBPyConnection]:
    """Two sources that tell the same heads of a date."""
    with duckdb.connect() as connection:
        connection.execute("create schema raw; create schema staging; create schema mart; create schema ops; create table ops.partition_as_of (source varchar, intake_date date, as_of_at timestamp)")
        for name in READ:
            ensure_table(connection, TABLES[name])
        connection.execute(
            "insert into raw.staffing_schedule by name select source, date '2025-08-04' as staff_date, 'day' as shift, 5 as planned_heads, 4 as effective_heads "
            "from unnest(['north', 'south']) as told (source)"
        )
        yield connection


def test_heads_that_change_alike_in_two_sources_are_other_heads(desk: duckdb.DuckDBPyConnection) -> None:
    """The digest adds rows up so that equal ones cancel each other: each has to say of which source it is."""
    before = of_queues(desk, BOUNDS, "UTC", [])
    assert of_queues(desk, BOUNDS, "UTC", []) == before
    desk.execute("update raw.staffing_schedule set planned_heads = 9, effective_heads = 8")
    assert of_queues(desk, BOUNDS, "UTC", []) != before


def test_a_date_that_is_loaded_without_a_case_makes_another_week_of_it(desk: duckdb.DuckDBPyConnection) -> None:
    """It was not known then, and is a quiet day now; another source that loads it too changes nothing."""
    before = of_queues(desk, BOUNDS, "UTC", [])
    desk.execute("insert into ops.partition_as_of by name select 'north' as source, date '2025-08-04' as intake_date")
    loaded = of_queues(desk, BOUNDS, "UTC", [])
    assert loaded != before
    desk.execute("insert into ops.partition_as_of by name select 'south' as source, date '2025-08-04' as intake_date")
    assert of_queues(desk, BOUNDS, "UTC", []) == loaded


def test_an_answer_stays_until_a_date_of_its_own_table_is_made(desk: duckdb.DuckDBPyConnection) -> None:
    """What several tables of a run ask is asked once, also where another table is made in between; and again once its own is."""
    create_bookkeeping(desk)
    for table in ("staging.sla_clocks", "staging.case_milestones", "staging.ownership_spans"):
        desk.execute(f"insert into {MADE_DATES} by name select '{table}' as table_name, date '2025-08-04' as made_date, 'first' as digest")
    before = of_queues(desk, BOUNDS, "UTC", [])
    desk.execute("insert into staging.case_milestones by name select 'C1' as case_id, timestamp '2025-08-04 09:00:00' as intake_ts")
    desk.execute(f"insert into {MADE_DATES} by name select 'staging.backlog_spans' as table_name, date '2025-08-04' as made_date, 'first' as digest")
    assert of_queues(desk, BOUNDS, "UTC", []) == before
    desk.execute(f"update {MADE_DATES} set digest = 'second' where table_name = 'staging.case_milestones'")
    assert of_queues(desk, BOUNDS, "UTC", []) != before
