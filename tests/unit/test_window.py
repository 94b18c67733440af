"""Sets of dates, and statements for them."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb
import pytest

from opsla_dagster.assets.operations import _refuse_half_made_dates
from opsla_dagster.errors import OpslaError
from opsla_dagster.settings import load_settings
from opsla_dagster.shipped import CONFIG
from opsla_dagster.warehouse.sql import bind, for_dates
from opsla_dagster.window import DateSet, Window, dates_in_words, dates_of, parse_dates


def july(first: int, last: int) -> Window:
    return Window(date(2025, 7, first), date(2025, 7, last + 1))


def test_windows_that_touch_or_overlap_become_the_fewest() -> None:
    assert dates_of([july(5, 6), july(1, 2), july(3, 3), july(2, 3)]) == DateSet((july(1, 3), july(5, 6)))
    assert dates_of([july(1, 2), july(3, 4)]) == july(1, 4)


def test_a_set_of_dates_can_be_read_again() -> None:
    dates = dates_of([july(1, 3), july(8, 8)])
    assert str(dates) == "2025-07-01..2025-07-03 2025-07-08..2025-07-08"
    assert parse_dates(str(dates)) == dates
    assert (dates.start, dates.end, dates.last, dates.days) == (date(2025, 7, 1), date(2025, 7, 9), date(2025, 7, 8), 4)
    assert date(2025, 7, 5) not in dates
    with pytest.raises(OpslaError, match="'2025-07-01' is no set of dates"):
        parse_dates("2025-07-01")


def test_no_dates_are_no_set() -> None:
    with pytest.raises(OpslaError, match="a set of dates needs windows"):
        dates_of([])


def test_a_statement_for_dates_with_gaps_leaves_the_gaps_out() -> None:
    sql = """
        with days as (select unnest(range(date '2025-06-28', date '2025-07-12', interval 1 day)) as intake_date)
        select count(*) filter (where intake_date >= $start_date and intake_date < $end_date) as inside,
            count(*) filter (where not (intake_date >= $start_date and intake_date < $end_date)) as outside,
            count(*) filter (where intake_date >= $start_date - interval 2 day) as since
        from days
    """
    dates = dates_of([july(1, 3), july(8, 8)])
    statement = for_dates(sql, dates)
    assert duckdb.execute(statement, bind(statement, dates)).fetchall() == [(4, 10, 13)]
    assert for_dates(sql, july(1, 3)) == sql


@pytest.mark.parametrize(
    ("dates", "words"),
    [
        ([july(4, 4)], "the intake date 2025-07-04"),
        ([july(1, 3)], "the intake dates 2025-07-01 to 2025-07-03"),
        ([july(1, 3), july(9, 9), july(11, 12)], "the intake dates 2025-07-01 to 2025-07-03, 2025-07-09 and 1 more range"),
    ],
)
def test_dates_in_words(dates: list[Window], words: str) -> None:
    assert dates_in_words((day for window in dates for day in window.dates()), 2) == words


@pytest.mark.parametrize(("days", "words"), [([29], "not published: the intake date 2026-11-29 was not made"), ([28, 29], "not published: the intake dates 2026-11-28 to 2026-11-29 were not made")])
def test_what_keeps_the_marts_from_being_published_is_named(tmp_path: Path, days: list[int], words: str) -> None:
    with duckdb.connect() as connection:
        for table in ("raw.source_partitions", "ops.refreshed_partitions"):
            connection.execute(f"create schema {table.split('.')[0]}; create table {table} (source varchar, intake_date date, as_of_at timestamp, digest varchar)")
        connection.executemany("insert into raw.source_partitions values ('log', make_date(2026, 11, ?), timestamp '2026-11-30', 'a')", [[day] for day in days])
        with pytest.raises(OpslaError, match=words):
            _refuse_half_made_dates(connection, load_settings(CONFIG, tmp_path))
