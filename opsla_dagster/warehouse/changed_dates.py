"""Tables kept by the dates of the desk: which of their dates have changed since they were made.

What a date's rows are made from is fingerprinted (staging.backlog_facts); `ops.made_dates` remembers, for each table and date, what it was made
from. Nothing is guessed from what a run was about, so a date that arrived late, a backfill, and any mixture of them end in the same rows
(docs/decisions/0039-backlog-snapshot.md). Belongs here: comparing and remembering. Does not belong here: making rows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import duckdb

from opsla_dagster.catalog import TABLES, Kind, Table
from opsla_dagster.errors import OpslaError
from opsla_dagster.warehouse.bookkeeping import MADE_DATES, UNPUBLISHED_DATES
from opsla_dagster.warehouse.lineage import tables_read_by
from opsla_dagster.warehouse.loads import refuse_mixed_loads, rules_of
from opsla_dagster.warehouse.relations import is_there
from opsla_dagster.warehouse.sql import sql_path
from opsla_dagster.window import Dates, Window, dates_of, ranges_of

#: What is compared: it has to be made before a table kept by dates is.
COMPARED_TABLES = ("staging.backlog_facts", "staging.business_time", "mart.backlog_sources", "mart.snapshot_instants")
#: The fingerprint of a date is that of everything known of it: a state counts from its fact on until the same fingerprint takes it back.
_CURRENT = """
    with facts as (
        select fact_date, bit_xor(fact_digest) as digest from staging.backlog_facts group by fact_date
    ),
    running as (
        select fact_date, bit_xor(digest) over (order by fact_date) as digest from facts
    )
    select instants.snapshot_date, coalesce(running.digest, 0)
    from mart.snapshot_instants as instants
    asof left join running on instants.snapshot_date >= running.fact_date
    order by instants.snapshot_date
"""
#: What the rows of every date are made from besides.
_SURROUNDINGS = """
    select
        (select bit_xor(hash(calendar, segment_start_at, segment_end_at, is_open, local_date, open_seconds_before)) from staging.business_time),
        (select bit_xor(hash(columns(*)::varchar)) from (select string_agg(sources::varchar, '|' order by source) from mart.backlog_sources as sources))
"""


@dataclass(frozen=True)
class Current:
    """What the rows of tables kept by dates follow from, as it is now: `facts` of each date that such a table is to have, and the `surroundings` of all."""

    facts: Mapping[date, int]
    surroundings: str

    def digests(self, table: str) -> dict[date, str]:
        """What the rows of each date of the table follow from: the facts, the surroundings, and the SQL that makes it."""
        rules = hashlib.sha256(f"{rules_of(table)} {self.surroundings}".encode()).hexdigest()[:16]
        return {day: f"{digest} {rules}" for day, digest in self.facts.items()}


def current(connection: duckdb.DuckDBPyConnection) -> Current:
    """What there is to be compared with what was remembered."""
    return Current(dict(connection.execute(_CURRENT).fetchall()), str(connection.execute(_SURROUNDINGS).fetchone()))


def refuse_older_inputs(connection: duckdb.DuckDBPyConnection, table: Table, dates: Dates, state: Current) -> None:
    """Raises OpslaError where `dates` of `table` would be made from tables that do not belong together, or are older than what is compared.

    Somebody may have made some tables alone. What is compared tells of rows as they are to be, so whatever is read has to be as new.
    """
    read = sorted(tables_read_by(sql_path(table.name)))
    for upstream in read:
        if TABLES[upstream].kind is not Kind.BY_DAY:
            continue
        made, wanted = _made(connection, upstream), state.digests(upstream)
        older = [day for day in dates.dates() if day in wanted and made.get(day) != wanted[day]]
        if older:
            raise OpslaError(
                f"{table.name}: {upstream} is older than what is loaded for {len(older)} dates from {older[0]} on, and these would be made from it; "
                f"materialise {upstream} first, or every mart together"
            )
    refuse_mixed_loads(connection, table.name, [*read, "staging.backlog_facts"])


def _made(connection: duckdb.DuckDBPyConnection, name: str) -> dict[date, str]:
    return dict(connection.execute(f"select made_date, digest from {MADE_DATES} where table_name = ?", [name]).fetchall())


def changed_dates(connection: duckdb.DuckDBPyConnection, table: Table, digests: Mapping[date, str]) -> Dates:
    """The dates of `table` that are to be made: those that follow from something else now, and those that it is not to have any more.

    Where there are none, the latest date: a run makes, and judges, at least one.
    """
    made = _made(connection, table.name)
    held = _held_dates(connection, table)
    changed = {day for day, digest in digests.items() if made.get(day) != digest} | (held - digests.keys())
    if not changed:
        changed = {max(digests, default=_last_loaded_date(connection))}
    return dates_of(ranges_of(changed))


def remember(connection: duckdb.DuckDBPyConnection, table: Table, dates: Dates, digests: Mapping[date, str]) -> None:
    """Within the transaction that made the rows of `dates`: what they were made from."""
    made = list(dates.dates())
    connection.execute(f"delete from {MADE_DATES} where table_name = $name and list_contains($days, made_date)", {"name": table.name, "days": made})
    connection.execute(f"insert into {UNPUBLISHED_DATES} select $name, unnest($days)", {"name": table.name, "days": made})
    rows = [(table.name, day, digests[day]) for day in made if day in digests]
    if rows:
        connection.execute(
            f"insert into {MADE_DATES} select $name, unnest($days), unnest($digests)",
            {"name": table.name, "days": [row[1] for row in rows], "digests": [row[2] for row in rows]},
        )


def unpublished_dates(connection: duckdb.DuckDBPyConnection, table: Table) -> set[date]:
    """The dates of `table` that were made since the marts were published last.

    A run that was killed took the verdicts on them along, or may have: whoever makes the table next judges them too.
    """
    return {day for (day,) in connection.execute(f"select made_date from {UNPUBLISHED_DATES} where table_name = ?", [table.name]).fetchall()}


def forget_unpublished(connection: duckdb.DuckDBPyConnection) -> None:
    """The marts are published: a run that came to this end has told all its verdicts."""
    connection.execute(f"truncate {UNPUBLISHED_DATES}")


def _held_dates(connection: duckdb.DuckDBPyConnection, table: Table) -> set[date]:
    if not is_there(connection, table.name):
        connection.execute(f"delete from {MADE_DATES} where table_name = ?", [table.name])
        return set()
    return {row[0] for row in connection.execute(f"select distinct {table.partition_column} from {table.name}").fetchall()}


def _last_loaded_date(connection: duckdb.DuckDBPyConnection) -> date:
    found = connection.execute("select max(intake_date) from raw.source_partitions").fetchone()
    last: date | None = found[0] if found else None
    return last or date(1970, 1, 1)


def whole_history(connection: duckdb.DuckDBPyConnection, table: Table) -> Window | None:
    """From the first to the last date that `table` holds; None where it holds none."""
    held = _held_dates(connection, table)
    return Window(min(held), dates_of(ranges_of(held)).end) if held else None
