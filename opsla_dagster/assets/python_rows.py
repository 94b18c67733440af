"""Rows of tables that are made in Python, on their way into the warehouse.

Belongs here: their form, and those that stay as they are. Does not belong here: any one table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pyarrow as pa

from opsla_dagster.assets.scope import Scope
from opsla_dagster.catalog import TABLES
from opsla_dagster.warehouse.relations import is_there

_TYPES: Mapping[str, pa.DataType] = {
    "VARCHAR": pa.string(), "BIGINT": pa.int64(), "INTEGER": pa.int32(), "DOUBLE": pa.float64(), "BOOLEAN": pa.bool_(), "DATE": pa.date32(), "TIMESTAMP": pa.timestamp("us"),
}  # fmt: skip


def as_table(name: str, rows: Iterable[Mapping[str, Any]]) -> pa.Table:
    """Rows in the columns of the catalog; what a row does not say is NULL, what the table does not have is left out."""
    return pa.Table.from_pylist(list(rows), schema=pa.schema([(column.name, _TYPES[column.type]) for column in TABLES[name].columns]))


def held_rows(scope: Scope, name: str) -> pa.Table | None:
    """The rows that the table has; None where it has none, or none with the columns of today."""
    if not is_there(scope.connection, name):
        return None
    held = scope.connection.sql(f"select * from {name}").to_arrow_table()
    return held if held.num_rows and held.column_names == [column.name for column in TABLES[name].columns] else None


def kept_rows(scope: Scope, name: str, identity: str) -> pa.Table | None:
    """The rows that the table has, where all of them follow from the same (its column `made_from`); None: they are to be made."""
    held = held_rows(scope, name)
    return held if held is not None and held["made_from"].unique().to_pylist() == [identity] else None


def unless_unchanged(scope: Scope, name: str, identity: str, make: Callable[[], Iterable[Mapping[str, Any]]]) -> pa.Table:
    """The rows that the table has, where they follow from the same; else made anew, with that identity in the column `made_from`."""
    kept = kept_rows(scope, name, identity)
    return kept if kept is not None else as_table(name, [{**row, "made_from": identity} for row in make()])
