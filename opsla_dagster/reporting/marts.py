"""Reading tables of the warehouse or of its published copy as plain rows.

Belongs here: opening the published marts, looking up tables, fetching. Does not belong here: what the figures mean.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb

from opsla_dagster.errors import OpslaError
from opsla_dagster.warehouse.rows import rows_by_name
from opsla_dagster.warehouse.schema_version import require_current

Row = dict[str, Any]


@contextmanager
def published(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A read-only connection to a published marts.duckdb; OpslaError when there is none, or it holds no marts or those of another version."""
    if not path.is_file():
        raise OpslaError(f"{path}: no published marts yet; `opsla run` makes and publishes them")
    try:
        connection = duckdb.connect(str(path), read_only=True)
    except duckdb.Error as error:
        raise OpslaError(f"{path}: expected published marts, but it cannot be opened: {error}") from error
    try:
        require_current(connection, path)
        if not has_table(connection, "mart.sla_daily"):
            raise OpslaError(f"{path}: expected the published marts, but it has no table mart.sla_daily; run `opsla run`")
        yield connection
    except duckdb.BinderException as error:
        raise OpslaError(f"{path}: these marts are from another version of opsla; run `opsla run` to make them anew ({error})") from error
    finally:
        connection.close()


def has_table(connection: duckdb.DuckDBPyConnection, table: str) -> bool:
    """Whether `schema.table` exists as a table or view."""
    try:
        connection.execute(f"select 1 from {table} limit 0")  # a tenth of what asking the catalog takes
    except duckdb.CatalogException:
        return False
    return True


def rows(
    connection: duckdb.DuckDBPyConnection, sql: str, *tables: str, parameters: Sequence[object] | Mapping[str, object] = ()
) -> list[Row]:
    """The rows of a query, by column name; none when one of the `tables` it reads does not exist."""
    if not all(has_table(connection, table) for table in tables):
        return []
    return rows_by_name(connection, sql, parameters)
