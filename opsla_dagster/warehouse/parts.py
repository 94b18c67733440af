"""Cutting the dates of a run into parts that fit into memory.

Belongs here: how large a part is. Does not belong here: what is done with one.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import duckdb

from opsla_dagster.warehouse.sql import in_dates
from opsla_dagster.window import Dates, Window, dates_of, ranges_of

#: A part's statements hold about this many cases; 19 million events of 3 million cases then pass through 2 GB.
PART_CASES = 300_000
#: Sources are read a month at a time: they are asked before anyone knows how many cases a date has.
LOADING_DAYS = 31


def parts_to_load(dates: Dates) -> Iterator[Window]:
    """Windows without gaps that make up `dates`, short enough to be read from sources at once."""
    for window in dates.windows:
        yield from window.split(LOADING_DAYS)


def parts_of(connection: duckdb.DuckDBPyConnection, dates: Dates) -> Iterator[Dates]:
    """Consecutive parts that make up `dates`, by the cases that they hold."""
    counts = connection.execute(
        f"select intake_date, sum(cases) from raw.source_partitions where {in_dates('intake_date', dates)} "
        "group by intake_date order by intake_date"
    ).fetchall()
    yield from _cut(dates, dict(counts))


def _cut(dates: Dates, cases: dict[date, int]) -> Iterator[Dates]:
    part: list[date] = []
    held = 0
    for day in dates.dates():
        of_day = int(cases.get(day, 0))
        if held and held + of_day > PART_CASES:
            yield dates_of(ranges_of(part))
            part, held = [], 0
        part.append(day)
        held += of_day
    yield dates_of(ranges_of(part))
