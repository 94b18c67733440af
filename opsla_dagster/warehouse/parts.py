"""Cutting the dates of a run into parts that fit into memory.

Belongs here: how large a part is. Does not belong here: what is done with one.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import duckdb

from opsla_dagster.warehouse.connection import table_names
from opsla_dagster.warehouse.sql import in_dates
from opsla_dagster.window import Dates, Window, dates_of, ranges_of

#: A part's statements hold about this many cases; 19 million events of 3 million cases then pass through 2 GB.
PART_CASES = 300_000
#: Tables by local date hold their open cases, once a date: so many at a time take half a gigabyte.
PART_OPEN_CASES = 500_000
#: Sources are read a month at a time, and where they have said how much there is, at most so many events: half a gigabyte of Arrow.
LOADING_DAYS = 31
LOADING_EVENTS = 1_000_000
_SOURCE_PARTITIONS = "raw.source_partitions"


def parts_to_load(connection: duckdb.DuckDBPyConnection, dates: Dates) -> Iterator[Window]:
    """Windows without gaps that make up `dates`, short enough to be read from sources at once. No part is smaller than a date."""
    # Of the first table of a first run nobody knows yet how much there is.
    counts = _counts(connection, dates, "events") if _SOURCE_PARTITIONS in table_names(connection) else {}
    for window in dates.windows:
        for month in window.split(LOADING_DAYS):
            for part in _cut(month, counts, LOADING_EVENTS):
                yield from part.windows


def parts_of(connection: duckdb.DuckDBPyConnection, dates: Dates) -> Iterator[Dates]:
    """Consecutive parts that make up `dates`, by the cases that they hold."""
    yield from _cut(dates, _counts(connection, dates, "cases"), PART_CASES)


def parts_by_open_cases(connection: duckdb.DuckDBPyConnection, dates: Dates) -> Iterator[Dates]:
    """Consecutive parts that make up `dates` (local dates of the desk), by the cases that are open at their ends or leave on them."""
    if dates.days == 1:
        yield dates
        return
    counts = connection.execute(
        """
        with changes as (
            select started_date as local_date, count(*) as change from staging.backlog_spans where is_open group by started_date
            union all
            select ended_date + 1, -count(*) from staging.backlog_spans where is_open and ended_date is not null group by ended_date
        ),
        days as (select local_date, sum(change) as change from changes group by local_date),
        standing as (select local_date, sum(change) over (order by local_date) as cases from days),
        asked as (select unnest($dates) as local_date)
        select asked.local_date, coalesce(standing.cases, 0)
        from asked
        asof left join standing on asked.local_date >= standing.local_date
        """,
        {"dates": list(dates.dates())},
    ).fetchall()
    yield from _cut(dates, {day: int(cases) for day, cases in counts}, PART_OPEN_CASES)


def _counts(connection: duckdb.DuckDBPyConnection, dates: Dates, what: str) -> dict[date, int]:
    counts = connection.execute(
        f"select intake_date, sum({what}) from {_SOURCE_PARTITIONS} where {in_dates('intake_date', dates)} "
        "group by intake_date order by intake_date"
    ).fetchall()
    return {day: int(rows) for day, rows in counts}


def _cut(dates: Dates, counts: dict[date, int], most: int) -> Iterator[Dates]:
    part: list[date] = []
    held = 0
    for day in dates.dates():
        of_day = counts.get(day, 0)
        if held and held + of_day > most:
            yield dates_of(ranges_of(part))
            part, held = [], 0
        part.append(day)
        held += of_day
    yield dates_of(ranges_of(part))
