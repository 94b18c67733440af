"""Cutting a window into parts that fit into memory.

Belongs here: how large a part is. Does not belong here: what is done with one.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import duckdb

from opsla_dagster.window import ONE_DAY, Window

#: A part's statements hold about this many cases; 19 million events of 3 million cases then pass through 2 GB.
PART_CASES = 300_000
#: Sources are read a month at a time: they are asked before anyone knows how many cases a date has.
LOADING_DAYS = 31


def parts_of(connection: duckdb.DuckDBPyConnection, window: Window, *, loading: bool) -> Iterator[Window]:
    """Consecutive windows that make up `window`: by days when loading from sources, else by the cases they hold."""
    if loading:
        yield from window.split(LOADING_DAYS)
        return
    counts = connection.execute(
        "select intake_date, sum(cases) from raw.source_partitions where intake_date >= $start and intake_date < $end "
        "group by intake_date order by intake_date",
        {"start": window.start, "end": window.end},
    ).fetchall()
    yield from _cut(window, counts)


def _cut(window: Window, counts: list[tuple[date, int]]) -> Iterator[Window]:
    start, held = window.start, 0
    for day, cases in counts:
        if held and held + cases > PART_CASES:
            yield Window(start, day)
            start, held = day, 0
        held += int(cases)
    yield Window(start, window.last + ONE_DAY)
