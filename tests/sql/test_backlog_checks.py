"""The backlog as a whole: its identities can fail, any instant is told like the ends of dates, and a date is made again when it changed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta

import duckdb
import pytest
import yaml
from test_golden import HERE, STORED, _fill, _write

from opsla_dagster.assets.backlog import fingerprints_sql
from opsla_dagster.calendars import business_hours, business_time
from opsla_dagster.catalog import TABLES
from opsla_dagster.checks.invariants import check_invariant
from opsla_dagster.settings.base import read_document
from opsla_dagster.settings.calendars import CalendarsSettings
from opsla_dagster.warehouse.at_instant import parameters_at, sql_at
from opsla_dagster.warehouse.changed_dates import current
from opsla_dagster.warehouse.loads import _sql_below
from opsla_dagster.warehouse.write import replace_whole
from opsla_dagster.window import Window

STORY = HERE / "mart" / "backlog_daily" / "a_case_that_moves_waits_and_comes_back.yml"
AS_OF = datetime(2025, 7, 18, 12)
#: Table, check, and the error that it is there to find.
MUTATIONS = [
    ("mart.backlog_daily", "assert_flow_adds_up", "update mart.backlog_daily set reopened_cases = 2 where calendar_date = '2025-07-15' and dimension = 'all'"),
    ("mart.backlog_daily", "assert_flow_adds_up", "update mart.backlog_daily set moved_out_cases = 0 where dimension_value = 'front'"),
    ("mart.backlog_daily", "assert_flow_adds_up", "delete from mart.backlog_daily where calendar_date = '2025-07-14' and dimension = 'queue'"),
    ("mart.backlog_daily", "assert_debt_adds_up", "update mart.backlog_daily set debt_accrued_seconds = debt_accrued_seconds + 1 where calendar_date = '2025-07-16'"),
    ("mart.backlog_daily", "assert_debt_adds_up", "update mart.backlog_daily set debt_seconds = 34199 where calendar_date = '2025-07-15' and dimension = 'all'"),
    (
        "mart.backlog_daily", "assert_open_count_integrates_to_case_seconds",
        "delete from staging.backlog_spans where status = 'CUSTOMER_WAIT'",
    ),
    (
        "mart.backlog_daily", "assert_open_count_integrates_to_case_seconds",
        "update mart.backlog_daily set open_cases = 2 where calendar_date = '2025-07-12' and dimension = 'all'",
    ),
    ("mart.backlog_daily", "assert_values_add_up_to_all", "update mart.backlog_daily set open_cases = 0 where calendar_date = '2025-07-12' and dimension = 'tier'"),
    ("mart.backlog_daily", "assert_values_add_up_to_all", "update mart.backlog_daily set debt_seconds = 1 where calendar_date = '2025-07-15' and dimension = 'queue'"),
    (
        "mart.queue_health", "assert_the_desk_is_not_green_before_its_queues",
        "insert into mart.queue_health by name from (values ('all', 'all', 48.0), ('queue', 'back', 180.0)) as told (dimension, dimension_value, to_green_business_minutes)",
    ),
    (
        "mart.queue_health", "assert_the_desk_is_not_green_before_its_queues",
        "insert into mart.queue_health by name from (values ('all', 'all', 48.0), ('queue', 'back', null)) as told (dimension, dimension_value, to_green_business_minutes)",
    ),
    ("mart.error_budget", "assert_queues_add_up_to_all", "delete from mart.error_budget where dimension = 'queue'"),
    ("mart.error_budget", "assert_queues_add_up_to_all", "update mart.error_budget set bad_clocks = 0 where dimension = 'all'"),
    ("mart.burn_rates", "assert_queues_add_up_to_all", "delete from mart.burn_rates where dimension = 'queue'"),
    ("mart.burn_rates", "assert_queues_add_up_to_all", "update mart.burn_rates set long_bad_clocks = long_bad_clocks + 1 where dimension = 'all'"),
    ("staging.backlog_spans", "assert_spans_add_up_to_lifetimes", "delete from staging.backlog_spans where status = 'CUSTOMER_WAIT'"),
    ("staging.backlog_spans", "assert_spans_add_up_to_lifetimes", "insert into staging.backlog_spans select * from staging.backlog_spans where status = 'CUSTOMER_WAIT'"),
    ("staging.backlog_spans", "assert_spans_add_up_to_lifetimes", "update staging.backlog_spans set ended_at = null where began_with = 'reopened'"),
    (
        "staging.backlog_spans", "assert_open_time_is_that_of_the_statuses",
        "update staging.backlog_spans set ended_at = ended_at + interval 1 second where ended_with = 'ended' and began_with = 'changed'",
    ),
    (
        "staging.backlog_spans", "assert_open_time_is_that_of_the_statuses",
        "update staging.backlog_spans set started_at = started_at + interval 1 second where began_with = 'reopened'",
    ),
    ("staging.backlog_spans", "assert_open_time_is_that_of_the_statuses", "update staging.backlog_spans set began_with = 'changed' where began_with = 'reopened'"),
    ("staging.backlog_clocks", "assert_last_stretches_end_as_judged", "update staging.backlog_clocks set running_seconds_before = running_seconds_before + 1 where outcome = 'breached'"),
    ("staging.backlog_clocks", "assert_last_stretches_end_as_judged", "update staging.backlog_clocks set open_seconds_at_start = open_seconds_at_start - 1 where outcome = 'breached'"),
    ("staging.backlog_clocks", "assert_last_stretches_end_as_judged", "update staging.backlog_clocks set stopped_at = stopped_at - interval 1 second where outcome = 'breached'"),
    ("staging.backlog_clocks", "assert_last_stretches_end_as_judged", "update staging.backlog_clocks set outcome = null"),
    ("staging.backlog_clocks", "assert_last_stretches_end_as_judged", "insert into staging.backlog_clocks select * from staging.backlog_clocks where outcome = 'breached'"),
]
#: Of clocks that run, and wait, as of the last look.
RUNNING_MUTATIONS = [
    "update staging.backlog_clocks set running_seconds_before = running_seconds_before + 1 where stopped_at is null and state = 'running'",
    "update staging.backlog_clocks set running_seconds_before = running_seconds_before - 1 where stopped_at is null and state = 'paused'",
    "update staging.backlog_clocks set due_at = due_at + interval 1 second where stopped_at is null",
    "update staging.backlog_clocks set due_at = null where stopped_at is null",
    "delete from staging.backlog_clocks where stopped_at is null and state = 'paused'",
    "insert into staging.backlog_clocks select * replace ('d' as case_id) from staging.backlog_clocks where stopped_at is null and state = 'running'",
    "update mart.open_clocks set elapsed_seconds = null",
    "delete from mart.open_clocks where is_paused",
]


@pytest.fixture(scope="module")
def story() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        _tell(connection, {}, "mart.backlog_daily", "mart.burn_windows", "mart.due_clocks", "mart.error_budget", "mart.burn_rates")
        yield connection


def _tell(connection: duckdb.DuckDBPyConnection, more: dict[str, list[str]], *tables: str) -> None:
    """Makes `tables` of the story, and of the histories of `more` cases."""
    calendars = read_document(HERE / "calendars.yml", CalendarsSettings)
    case = yaml.safe_load(STORY.read_text(encoding="utf-8"))
    case["history"] |= more
    window = Window(*case["window"])
    for schema in ("raw", "staging", "mart", "ops"):
        connection.execute(f"create schema {schema}")
    for table in STORED:
        columns = ", ".join(f"{column.name} {column.type}" for column in TABLES[table].columns)
        connection.execute(f"create table {table} ({columns})")
    replace_whole(connection, TABLES["staging.business_time"], business_time(calendars))
    replace_whole(connection, TABLES["staging.business_hours_dim"], business_hours(calendars))
    _fill(connection, case, calendars, "mart.backlog_daily", window)
    for table in tables:
        _write(connection, table, window)


@pytest.mark.parametrize(("table", "check", "mutation"), MUTATIONS)
def test_an_identity_breaks_by_the_error_that_it_is_there_to_find(
    story: duckdb.DuckDBPyConnection, table: str, check: str, mutation: str
) -> None:
    window = Window(date(2025, 7, 10), date(2025, 7, 17))
    assert check_invariant(story, table, check, window, AS_OF).passed
    story.begin()
    try:
        story.execute(mutation)
        assert not check_invariant(story, table, check, window, AS_OF).passed
    finally:
        story.rollback()


@pytest.fixture(scope="module")
def running() -> Iterator[duckdb.DuckDBPyConnection]:
    """The story, a case that is worked on and one that waits for the customer."""
    more = {
        "b": ["2025-07-14 13:00:00 INTAKE", "2025-07-14 14:00:00 CUSTOMER_WAIT", "2025-07-14 15:00:00 INVESTIGATION"],
        "c": ["2025-07-14 13:00:00 INTAKE", "2025-07-14 14:00:00 CUSTOMER_WAIT"],
    }
    with duckdb.connect() as connection:
        _tell(connection, more, "mart.open_clocks")
        yield connection


@pytest.mark.parametrize("mutation", RUNNING_MUTATIONS)
def test_the_list_of_running_clocks_and_the_backlog_contradict_each_other_nowhere(running: duckdb.DuckDBPyConnection, mutation: str) -> None:
    window = Window(date(2025, 7, 10), date(2025, 7, 17))
    assert running.execute("select case_id, is_paused, elapsed_seconds from mart.open_clocks order by 1").fetchall() == [("b", False, 136_800), ("c", True, 3_600)]
    assert check_invariant(running, "mart.backlog_now", "assert_open_clocks_agree", window, AS_OF).passed
    running.begin()
    try:
        running.execute(mutation)
        assert not check_invariant(running, "mart.backlog_now", "assert_open_clocks_agree", window, AS_OF).passed
    finally:
        running.rollback()


@pytest.mark.parametrize("table", ["mart.backlog_snapshot", "mart.clock_snapshot"])
def test_any_instant_is_told_as_the_ends_of_dates_are(story: duckdb.DuckDBPyConnection, table: str) -> None:
    columns = ", ".join(column.name for column in TABLES[table].columns if column.name != "snapshot_date")
    sql = sql_at(table)
    ends = story.execute("select snapshot_date, snapshot_at from mart.snapshot_instants order by 1").fetchall()
    assert ends
    for snapshot_date, at in ends:
        stored = story.execute(f"select {columns} from {table} where snapshot_date = ? order by all", [snapshot_date]).fetchall()
        told = story.execute(f"select {columns} from ({sql}) order by all", parameters_at(sql, at, "America/New_York")).fetchall()
        assert told == stored, snapshot_date


def test_what_happens_in_the_second_of_an_instant_counts(story: duckdb.DuckDBPyConnection) -> None:
    """Solved on Monday at 15:00:00 UTC: open a second before, no longer in that second."""
    sql = sql_at("mart.backlog_snapshot")
    open_at = {
        second: len(story.execute(sql, parameters_at(sql, datetime(2025, 7, 14, 14, 59, 59) + timedelta(seconds=second), "America/New_York")).fetchall())
        for second in (0, 1)
    }
    assert open_at == {0: 1, 1: 0}


def test_a_clock_at_its_target_is_due_when_its_calendar_opens() -> None:
    """Eight open hours promised at 14:00 UTC, eight before the desk closes; it opens at 12:00 UTC: at once due, and kept until then."""
    sql = sql_at("mart.backlog_snapshot")
    with duckdb.connect() as connection:
        _tell(connection, {"at_closing": ["2025-07-14 14:00:00 INTAKE"]}, "mart.backlog_snapshot")
        found = {
            at: connection.execute(f"select breached_clocks, is_due_in_2_hours from ({sql}) where case_id = 'at_closing'", parameters_at(sql, at, "America/New_York")).fetchall()
            for at in (datetime(2025, 7, day, hour, minute) for day, hour, minute in ((14, 21, 0), (14, 22, 0), (15, 4, 0), (15, 10, 0), (15, 10, 1), (15, 12, 0), (15, 12, 1)))
        }
    assert list(found.values()) == [[(0, True)], [(0, False)], [(0, False)], [(0, False)], [(0, True)], [(0, True)], [(1, False)]]


def test_a_date_is_made_again_when_something_of_it_changes_and_no_other(story: duckdb.DuckDBPyConnection) -> None:
    """A priority that turns out to have changed on Tuesday changes the rows of Tuesday and Wednesday; what was known of the days before stands."""
    table = "mart.backlog_daily"
    _fingerprint(story)
    before = current(story).digests(table)
    story.begin()
    try:
        story.execute("update staging.backlog_spans set priority = 'P1' where began_with = 'reopened'")
        _fingerprint(story)
        after = current(story).digests(table)
    finally:
        story.rollback()
    assert [day.day for day in before if before[day] != after[day]] == [15, 16]


def test_what_a_case_is_counts_while_it_has_not_ended(story: duckdb.DuckDBPyConnection) -> None:
    """A region is no part of a stretch: told otherwise, it changes every date on which the case came, stood or went, and no later one."""
    table = "mart.backlog_daily"
    _fingerprint(story)
    before = current(story).digests(table)
    story.begin()
    try:
        story.execute("update staging.case_milestones set region = 'north'")
        _fingerprint(story)
        after = current(story).digests(table)
    finally:
        story.rollback()
    assert [day.day for day in before if before[day] != after[day]] == [10, 11, 12, 13, 14, 15, 16]


def _fingerprint(connection: duckdb.DuckDBPyConnection) -> None:
    window = Window(date(2025, 7, 10), date(2025, 7, 17))
    connection.execute("truncate staging.backlog_facts")
    connection.execute(f"insert into staging.backlog_facts {fingerprints_sql(window)}")


def test_the_rules_of_a_date_are_all_the_sql_below_it() -> None:
    """What staging.backlog_debts says changes mart.backlog_daily without changing what is compared."""
    texts = _sql_below("mart.backlog_daily")
    assert {"mart.backlog_snapshot", "staging.backlog_debts", "staging.backlog_clocks", "staging.sla_clocks", "staging.events_clean"} <= texts.keys()
