"""Long tables in the published copy: a Parquet file a month of intake dates, written anew only where the month has changed.

A file is named for its rows, so one that is there already is right, and readers of the copy before keep theirs: the files that
neither the new copy nor the one before it names are removed. The rows of a month of which no date was made anew since the published copy are not
looked at again, so that a refresh costs the same however long the history is. Belongs here: writing and naming them. Does not belong here: the marts that are
copied whole (publish.py).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

from opsla_dagster.catalog import TABLES
from opsla_dagster.warehouse.schema_version import VERSION_TABLE
from opsla_dagster.warehouse.sql import literal

#: In the published copy: which file has which month of which table. No asset: it describes the copy.
PARTS_TABLE = "ops.published_parts"
_NAMES = "parts.json"
#: Read at any instant, not only at now (`opsla backlog --as-of`, the command centre), each with the rows that an instant may ask for.
PARTED_TABLES = {
    "staging.backlog_spans": "is_open and (ended_at is null or started_at < ended_at)",
    "staging.backlog_clocks": "true",
    "staging.case_milestones": "true",
}
#: By start, so that who asks for an instant reads few groups of rows.
_SORTED_BY = {"staging.backlog_spans": "started_at", "staging.backlog_clocks": "started_at"}
#: Of a case what a stretch of it does not have.
_OF_A_CASE = frozenset(["source", "case_id", "intake_date", "intake_ts", "case_type", "region", "brand", "channel", "customer"])
#: What only the flow of a date asks for stays in the warehouse.
_LEFT_OUT = frozenset({"began_with", "ended_with", "started_date", "ended_date"})
#: Read beside them, and without intake dates.
WHOLE_TABLES = ("staging.business_time", "staging.sla_policies")


@dataclass(frozen=True)
class Part:
    """One file: rows of `table` of the intake dates of a month (None: all of them)."""

    table: str
    month: date | None
    file: str


def write_parts(connection: duckdb.DuckDBPyConnection, directory: Path, marts_database: Path) -> list[Part]:
    """Writes the parts that are not there yet, and returns all there are to be; `marts_database` is what is published now, if anything is."""
    directory.mkdir(parents=True, exist_ok=True)
    parts = [*_parts_by_month(connection, _kept_parts(connection, directory, marts_database)), *_whole_parts(connection)]
    for part in parts:
        if not (directory / part.file).exists():
            _write(connection, part, directory)
    return parts


def record_parts(connection: duckdb.DuckDBPyConnection, schema: str, parts: Sequence[Part]) -> None:
    """The table of the copy, attached as `schema`, that says which files it has."""
    connection.execute(f"create table {schema}.{PARTS_TABLE} (table_name varchar, month_date date, file_name varchar)")
    if parts:
        connection.executemany(f"insert into {schema}.{PARTS_TABLE} values (?, ?, ?)", [[part.table, part.month, part.file] for part in parts])


def remove_old_parts(directory: Path, parts: Sequence[Part]) -> None:
    """Leaves the files of this copy and of the one before it: somebody may be reading that."""
    names = directory / _NAMES
    current = sorted(part.file for part in parts)
    try:
        before = json.loads(names.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        before = {"current": []}
    previous = before["current"] if before["current"] != current else before.get("previous", [])
    for file in directory.glob("*.parquet*"):
        if file.name not in {*current, *previous}:
            file.unlink(missing_ok=True)
    names.write_text(json.dumps({"current": current, "previous": previous}), encoding="utf-8")


#: Months with a date that was made of something else than in the published copy, or that only one of the two has.
_CHANGED_MONTHS = """
    select distinct cast(date_trunc('month', coalesce(made.intake_date, published.intake_date)) as date)
    from ops.refreshed_partitions as made
    full join before.ops.refreshed_partitions as published on made.source = published.source and made.intake_date = published.intake_date
    where (made.digest, made.as_of_at, made.cases, made.events) is distinct from (published.digest, published.as_of_at, published.cases, published.events)
"""


def _kept_parts(connection: duckdb.DuckDBPyConnection, directory: Path, marts_database: Path) -> list[Part]:
    """The published parts of months in which every date was made of the same as in the warehouse, by the same opsla; what a month's rows are need not be asked then."""
    if not marts_database.exists():
        return []
    connection.execute(f"attach {literal(str(marts_database))} as before (read_only)")
    try:
        if connection.execute(f"(from before.{VERSION_TABLE} except from {VERSION_TABLE}) limit 1").fetchone() is not None:
            return []
        changed = {month for (month,) in connection.execute(_CHANGED_MONTHS).fetchall()}
        published = connection.execute(f"select table_name, month_date, file_name from before.{PARTS_TABLE} where month_date is not null").fetchall()
    except duckdb.Error:  # of an opsla without one of these tables
        return []
    finally:
        connection.execute("detach before")
    parts = [Part(table, month, file) for table, month, file in published if table in PARTED_TABLES and month not in changed]
    return [part for part in parts if part.file.startswith(_stem(part.table, f"{part.month:%Y-%m}")) and (directory / part.file).exists()]


def _parts_by_month(connection: duckdb.DuckDBPyConnection, kept: Sequence[Part]) -> list[Part]:
    """Those of `kept`, and of all other months by the rows themselves: nothing that is written elsewhere about a month can be right while its file is wrong."""
    parts = []
    for table, condition in PARTED_TABLES.items():
        own = [part for part in kept if part.table == table]
        elsewhere = f" and {_in_other_months(connection, own)}" if own else ""
        months = connection.execute(
            f"select cast(date_trunc('month', intake_date) as date) as month, {_content(_columns(table))} from {table} where {condition}{elsewhere} group by month order by month"
        ).fetchall()
        parts += [*own, *(Part(table, month, _file(table, f"{month:%Y-%m}", str(content))) for month, *content in months)]
        if not (own or months):  # a file without rows tells the columns
            parts.append(Part(table, None, _file(table, "none", "")))
    return parts


def _in_other_months(connection: duckdb.DuckDBPyConnection, kept: Sequence[Part]) -> str:
    """The condition that an intake date lies in a month of none of `kept`."""
    months = {month for (month,) in connection.execute("select distinct cast(date_trunc('month', intake_date) as date) from ops.refreshed_partitions").fetchall()}
    others = sorted(months - {part.month for part in kept})
    return f"({' or '.join(_in_month(month) for month in others) or 'false'})"


def _in_month(month: date) -> str:
    return f"intake_date >= date '{month}' and intake_date < date '{month}' + interval 1 month"


def _whole_parts(connection: duckdb.DuckDBPyConnection) -> list[Part]:
    parts = []
    for table in WHOLE_TABLES:
        content = connection.execute(f"select {_content(_columns(table))} from {table}").fetchone()
        parts.append(Part(table, None, _file(table, "all", str(content))))
    return parts


def _content(columns: Sequence[str]) -> str:
    """Aggregates that tell sets of rows apart; rows that are there twice cancel each other in the first alone."""
    row = f"hash({', '.join(columns)})"
    return f"bit_xor({row}), sum({row}), count(*)"


def _file(table: str, what: str, made_from: str) -> str:
    return f"{_stem(table, what)}{hashlib.sha256(made_from.encode()).hexdigest()[:16]}.parquet"


def _stem(table: str, what: str) -> str:
    """How the name of a file begins that has these columns and conditions."""
    shape = f"{' '.join(_columns(table))} {PARTED_TABLES.get(table, '')} {_SORTED_BY.get(table, '')}"
    return f"{table.split('.')[1]}-{what}-{hashlib.sha256(shape.encode()).hexdigest()[:8]}-"


def _columns(table: str) -> list[str]:
    names = [column.name for column in TABLES[table].columns]
    if table == "staging.case_milestones":
        return [name for name in names if name in _OF_A_CASE]
    return [name for name in names if name not in _LEFT_OUT and not name.endswith(("_kept_at_start", "_kept_at_end"))]


def _write(connection: duckdb.DuckDBPyConnection, part: Part, directory: Path) -> None:
    """Aside, then renamed: a file that bears the name is whole."""
    inside = "" if part.month is None else f" and {_in_month(part.month)}"
    order = f" order by {_SORTED_BY[part.table]}" if part.table in _SORTED_BY else ""
    rows = f"select {', '.join(_columns(part.table))} from {part.table} where {PARTED_TABLES.get(part.table, True)}{inside}{order}"
    aside = directory / f"{part.file}.writing"
    connection.execute(f"copy ({rows}) to {literal(str(aside))} (format parquet, row_group_size 30720)")
    aside.replace(directory / part.file)
