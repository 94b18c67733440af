"""Which intake dates the warehouse holds whole, and which were loaded without what follows being made to the end.

Belongs here: that question, for the status, for Dagster's catalog and for checks. Does not belong here: which dates a refresh makes (automation/refresh.py),
which asks the sources too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path

import duckdb

from opsla_dagster.warehouse.connection import reading, table_names

#: What was loaded (`held`), and what was made of that very load (`done`); who asks adds what of `done.digest` has to agree.
LOADED_AND_MADE = """
    raw.source_partitions as held
    left join ops.refreshed_partitions as done
        on held.source = done.source and held.intake_date = done.intake_date and held.as_of_at = done.as_of_at"""
#: Made of the same state of the source, by whichever rules.
OF_THIS_STATE = "starts_with(done.digest, held.digest)"
#: Dates of all sources, as of when they were loaded, and whether everything that follows was made of those loads.
_DATES = f"""
    select held.intake_date, max(held.as_of_at), bool_and(done.source is not null)
    from {LOADED_AND_MADE} and {OF_THIS_STATE}
    group by held.intake_date
    order by held.intake_date
"""

_MADE = "select source, intake_date, as_of_at from ops.refreshed_partitions"


@dataclass(frozen=True)
class MadeDates:
    """`as_of`: dates made to the end, each with the instant (naive UTC) as of which it was loaded; `half_made`: the other loaded ones, in order."""

    as_of: Mapping[date, datetime]
    half_made: tuple[date, ...]


def made_dates(connection: duckdb.DuckDBPyConnection) -> MadeDates:
    """The intake dates of the warehouse; none of a fresh one."""
    tables = table_names(connection)
    if "raw.source_partitions" not in tables:
        return MadeDates({}, ())
    if "ops.refreshed_partitions" not in tables:
        held = connection.execute("select distinct intake_date from raw.source_partitions order by 1").fetchall()
        return MadeDates({}, tuple(day for (day,) in held))
    found = connection.execute(_DATES).fetchall()
    return MadeDates({day: as_of for day, as_of, is_whole in found if is_whole}, tuple(day for day, _, is_whole in found if not is_whole))


def unpublished_dates(connection: duckdb.DuckDBPyConnection, marts_database: Path) -> set[date]:
    """The intake dates that are made to the end, and that the published marts have as of another load, or not at all."""
    made = _made(connection)
    if marts_database.exists():
        status = marts_database.stat()
        made -= _published(marts_database, (status.st_ino, status.st_mtime_ns, status.st_size))
    return {day for _, day, _ in made}


@lru_cache(maxsize=1)
def _published(marts_database: Path, _identity: tuple[int, int, int]) -> frozenset[tuple[str, date, datetime]]:
    """What the published marts have been made from; asked for by every view of a run, while a file that was published never changes."""
    with reading(marts_database, older_too=True) as published:
        return frozenset(_made(published))


def _made(connection: duckdb.DuckDBPyConnection) -> set[tuple[str, date, datetime]]:
    return set(connection.execute(_MADE).fetchall()) if "ops.refreshed_partitions" in table_names(connection) else set()
