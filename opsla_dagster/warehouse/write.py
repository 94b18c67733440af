"""The only ways rows get into a table: replace dates, replace all rows, add to what is kept, replace a view.

Belongs here: atomic, idempotent writes. A failure, a refused row or a failed verdict leaves the old rows standing.
Does not belong here: what the rows are.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import TypeAlias

import duckdb
import pyarrow as pa

from opsla_dagster.catalog import TABLES, Table
from opsla_dagster.errors import OpslaError
from opsla_dagster.warehouse.exhaustion import disk_error, is_of_the_disk, memory_error
from opsla_dagster.warehouse.relations import relations
from opsla_dagster.warehouse.sql import bind, for_dates, in_dates, parsed
from opsla_dagster.window import Dates

#: Rows to write: a SELECT, or Arrow's, of which more than fits into memory come as a reader.
Rows: TypeAlias = str | pa.Table | pa.RecordBatchReader
#: Looks at the written rows before they are committed; raising leaves the old rows standing. Says how many it looked at, if it knows.
Verdict = Callable[[], int | None]


def accept() -> None:
    """The verdict of a write that nobody checks."""


@contextmanager
def transaction(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """All or nothing; disk and permission troubles become one readable message."""
    try:
        with all_or_nothing(connection):
            yield
    except BaseException as error:
        if isinstance(error, duckdb.OutOfMemoryException):
            raise memory_error("the warehouse's tables are as they were before: the new rows", error) from error
        if is_of_the_disk(error):
            raise disk_error(
                f"the warehouse could not be written, its tables are as they were before: {' '.join(str(error).split())}"
            ) from error
        raise


@contextmanager
def all_or_nothing(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Statements that take effect together, or not at all where anything is raised."""
    connection.begin()
    try:
        yield
        connection.commit()
    except BaseException:
        _roll_back(connection)
        raise


def _roll_back(connection: duckdb.DuckDBPyConnection) -> None:
    try:
        connection.rollback()
    except duckdb.Error:
        # A failed commit has rolled back already, and an invalidated database recovers at its next opening.
        return


def replace_window(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    window: Dates,
    parts: Iterable[tuple[Dates, Rows]],
    verdict: Verdict = accept,
) -> int:
    """Makes `parts` the only rows of `table` in `window` (which may have gaps) and returns how many there are.

    `parts` are consecutive dates of it with their rows: a SELECT bound to the part's own dates, or an Arrow table. Rows
    outside `window` are refused (OpslaError); dates without rows end up empty.
    """
    with transaction(connection):
        _create(connection, table)
        _empty(connection, table, window)
        inserted = sum(_insert(connection, table, rows, part) for part, rows in parts)
        kept = _count(connection, table, window)
        if kept != inserted:
            raise OpslaError(f"{table.name}: {inserted - kept} of {inserted} rows lie outside {window}; nothing was written")
        verdict()
    return inserted


def replace_whole(
    connection: duckdb.DuckDBPyConnection, table: Table, rows: Rows, verdict: Verdict = accept
) -> int:
    """Makes `rows` the only rows of `table`."""
    with transaction(connection):
        connection.execute(f"drop table if exists {table.name}")
        _create(connection, table)
        inserted = _insert(connection, table, rows, None)
        verdict()
    return inserted


def add_rows(connection: duckdb.DuckDBPyConnection, table: Table, rows: Rows, verdict: Verdict = accept) -> int:
    """Adds `rows` to those that `table` has and returns how many were added; what is there stays as it is."""
    with transaction(connection):
        _create(connection, table)
        inserted = _insert(connection, table, rows, None)
        verdict()
    return inserted


def replace_view(
    connection: duckdb.DuckDBPyConnection, table: Table, select: str, verdict: Verdict = accept, window: Dates | None = None
) -> int:
    """Makes `table` a view over `select` and returns how many rows it shows: of `window`, where it has dates.

    A view over all clocks is as long as the desk's history; counting it every day would cost more than making the day. What the
    verdict has counted is not counted again: that would compute the view once more.
    """
    inside = f"where {in_dates(table.partition_column, window)}" if table.is_by_date and window is not None else ""
    with transaction(connection):
        connection.execute(f"create or replace view {table.name} as {select}")
        counted = verdict()
        if counted is not None:
            return counted
        rows = connection.execute(f"select count(*) from {table.name} {inside}").fetchone()
    return int(rows[0]) if rows else 0


def ensure_table(connection: duckdb.DuckDBPyConnection, table: Table) -> None:
    """Creates `table`, empty, when it is not there yet."""
    names = ", ".join(column.name for column in table.columns)
    try:
        connection.execute(f"select {names} from {table.name} limit 0")  # as a rule it is; a transaction takes ten times as long
        return
    except (duckdb.CatalogException, duckdb.BinderException):
        pass
    with transaction(connection):
        _create(connection, table)


def drop_unfed(connection: duckdb.DuckDBPyConnection, fed: Collection[Table], empty: Collection[Table] = ()) -> None:
    """Drops derived tables and views of the catalog that are not among `fed`: no run makes them any more, and who reads them reads old rows.

    Those of `empty` are there afterwards, without rows. What was loaded stays, and so does every table that the catalog does not know.
    """
    kept = {table.name for table in fed}
    with transaction(connection):
        for name, kind in relations(connection):
            if name in TABLES and TABLES[name].schema in ("staging", "mart") and name not in kept:
                connection.execute(f"drop {kind} {name}")
        for table in empty:
            _create(connection, table)


def _create(connection: duckdb.DuckDBPyConnection, table: Table) -> None:
    columns = ", ".join(f"{column.name} {column.type}" for column in table.columns)
    connection.execute(parsed(connection, f"create table if not exists {table.name} ({columns})"))
    found = [(row[0], row[1]) for row in connection.execute(f"describe {table.name}").fetchall()]
    if found != [(column.name, column.type) for column in table.columns]:
        raise OpslaError(
            f"{table.name}: the warehouse holds this table with other columns, from another version of opsla. "
            "Start a fresh home (OPSLA_HOME), or move the old warehouse file away, and run again."
        )


def _empty(connection: duckdb.DuckDBPyConnection, table: Table, window: Dates) -> None:
    inside = in_dates(table.partition_column, window)
    others = connection.execute(f"select 1 from {table.name} where not {inside} limit 1").fetchone()
    if others is None:
        connection.execute(f"truncate {table.name}")  # far cheaper than marking every row deleted
    else:
        connection.execute(f"delete from {table.name} where {inside}")


def _insert(connection: duckdb.DuckDBPyConnection, table: Table, rows: Rows, window: Dates | None) -> int:
    names = ", ".join(column.name for column in table.columns)
    if isinstance(rows, str):
        select = for_dates(rows, window)
        statement = parsed(connection, f"insert into {table.name} by name {select}")
        written = connection.execute(statement, bind(select, window)).fetchone()
    else:
        raised: list[OpslaError] = []
        connection.register("arrow_rows", _noting(rows, raised) if isinstance(rows, pa.RecordBatchReader) else rows)
        try:
            written = connection.execute(f"insert into {table.name} ({names}) select {names} from arrow_rows").fetchone()
        except duckdb.Error:
            if raised:  # DuckDB tells it in words of its own
                raise raised[0] from None
            raise
        finally:
            with suppress(duckdb.TransactionException):  # what aborted the transaction is the error to be told
                connection.unregister("arrow_rows")
    return int(written[0]) if written else 0


def _noting(rows: pa.RecordBatchReader, raised: list[OpslaError]) -> pa.RecordBatchReader:
    """The same rows; what their source raises while they are read is noted in `raised`."""

    def batches() -> Iterator[pa.RecordBatch]:
        try:
            yield from rows
        except OpslaError as error:
            raised.append(error)
            raise

    return pa.RecordBatchReader.from_batches(rows.schema, batches())


def _count(connection: duckdb.DuckDBPyConnection, table: Table, window: Dates) -> int:
    counted = connection.execute(f"select count(*) from {table.name} where {in_dates(table.partition_column, window)}").fetchone()
    return int(counted[0]) if counted else 0
