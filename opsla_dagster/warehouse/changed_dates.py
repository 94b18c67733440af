"""Tables kept by the dates of the desk: which of their dates have changed since they were made.

What a date's rows are made from is fingerprinted (staging.backlog_facts); `ops.made_dates` remembers, for each table and date, what it was made
from. Nothing is guessed from what a run was about, so a date that arrived late, a backfill, and any mixture of them end in the same rows
(docs/decisions/0039-backlog-snapshot.md). Belongs here: comparing and remembering. Does not belong here: making rows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import date

import duckdb

from opsla_dagster.catalog import TABLES, Kind, Table
from opsla_dagster.warehouse.lineage import tables_read_by
from opsla_dagster.warehouse.sql import load_sql, sql_path
from opsla_dagster.window import Dates, Window, dates_of, ranges_of

#: No asset: it describes rows of other tables.
MADE_DATES = "ops.made_dates"

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


def current_digests(connection: duckdb.DuckDBPyConnection, table: Table) -> dict[date, str]:
    """What the rows of each date of `table` follow from, as it is now: of every date that the table is to have."""
    rules = hashlib.sha256(f"{_rules(table.name)} {connection.execute(_SURROUNDINGS).fetchone()}".encode()).hexdigest()[:16]
    return {day: f"{digest} {rules}" for day, digest in connection.execute(_CURRENT).fetchall()}


def changed_dates(connection: duckdb.DuckDBPyConnection, table: Table, current: Mapping[date, str]) -> Dates:
    """The dates of `table` that are to be made: those that follow from something else now, and those that it is not to have any more.

    Where there are none, the latest date: a run makes, and judges, at least one.
    """
    connection.execute(f"create table if not exists {MADE_DATES} (table_name varchar, made_date date, digest varchar)")
    made = dict(connection.execute(f"select made_date, digest from {MADE_DATES} where table_name = ?", [table.name]).fetchall())
    held = _held_dates(connection, table)
    changed = {day for day, digest in current.items() if made.get(day) != digest} | (held - current.keys())
    if not changed:
        changed = {max(current, default=_last_loaded_date(connection))}
    return dates_of(ranges_of(changed))


def remember(connection: duckdb.DuckDBPyConnection, table: Table, dates: Dates, current: Mapping[date, str]) -> None:
    """Within the transaction that made the rows of `dates`: what they were made from."""
    made = list(dates.dates())
    connection.execute(f"delete from {MADE_DATES} where table_name = $name and list_contains($days, made_date)", {"name": table.name, "days": made})
    rows = [(table.name, day, current[day]) for day in made if day in current]
    if rows:
        connection.execute(
            f"insert into {MADE_DATES} select $name, unnest($days), unnest($digests)",
            {"name": table.name, "days": [row[1] for row in rows], "digests": [row[2] for row in rows]},
        )


def _rules(name: str) -> str:
    """The SQL of a table, and of the views and the tables kept by dates that it reads."""
    sql = load_sql(sql_path(name))
    read = sorted(table for table in tables_read_by(sql_path(name)) if TABLES[table].kind in (Kind.VIEW, Kind.BY_DAY))
    return "\n".join([sql, *(_rules(table) for table in read)])


def _held_dates(connection: duckdb.DuckDBPyConnection, table: Table) -> set[date]:
    found = connection.execute(
        "select 1 from duckdb_tables() where schema_name || '.' || table_name = ?", [table.name]
    ).fetchone()
    if found is None:
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
