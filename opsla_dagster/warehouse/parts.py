"""Cutting a window into parts that fit into memory.

Belongs here: how large a part is. Does not belong here: what is done with one.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import duckdb

from opsla_dagster.warehouse.connection import table_names
from opsla_dagster.window import ONE_DAY, Window

#: A part's statements hold about this many cases; 19 million events of 3 million cases then pass through 2 GB.
PART_CASES = 300_000
#: Sources are read a month at a time, and where they have said how much there is, at most so many events: half a gigabyte of Arrow.
LOADING_DAYS = 31
LOADING_EVENTS = 1_000_000
_SOURCE_PARTITIONS = "raw.source_partitions"


def parts_of(connection: duckdb.DuckDBPyConnection, window: Window, *, loading: bool) -> Iterator[Window]:
    """Consecutive windows that make up `window`: by days and events when loading from sources, else by the cases they hold.

    No part is smaller than a date.
    """
    if not loading:
        yield from _cut(window, _counts(connection, window, "cases"), PART_CASES)
        return
    # Of the first table of a first run nobody knows yet how much there is.
    counts = _counts(connection, window, "events") if _SOURCE_PARTITIONS in table_names(connection) else []
    for month in window.split(LOADING_DAYS):
        yield from _cut(month, [(day, events) for day, events in counts if day in month], LOADING_EVENTS)


def _counts(connection: duckdb.DuckDBPyConnection, window: Window, what: str) -> list[tuple[date, int]]:
    return connection.execute(
        f"select intake_date, sum({what}) from {_SOURCE_PARTITIONS} where intake_date >= $start and intake_date < $end "
        "group by intake_date order by intake_date",
        {"start": window.start, "end": window.end},
    ).fetchall()


def _cut(window: Window, counts: list[tuple[date, int]], most: int) -> Iterator[Window]:
    start, held = window.start, 0
    for day, rows in counts:
        if held and held + rows > most:
            yield Window(start, day)
            start, held = day, 0
        held += int(rows)
    yield Window(start, window.last + ONE_DAY)
