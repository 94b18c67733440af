"""Sets of dates, and statements for them."""

from __future__ import annotations

from datetime import date

import duckdb
import pytest

from opsla_dagster.errors import OpslaError
from opsla_dagster.warehouse.sql import bind, for_dates
from opsla_dagster.window import DateSet, Window, dates_of, parse_dates


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
