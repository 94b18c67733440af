"""Rows of tables that are made in Python, on their way into the warehouse.

Belongs here: their form. Does not belong here: any one table.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa

from opsla_dagster.catalog import TABLES

_TYPES: Mapping[str, pa.DataType] = {
    "VARCHAR": pa.string(), "BIGINT": pa.int64(), "INTEGER": pa.int32(), "DOUBLE": pa.float64(), "BOOLEAN": pa.bool_(), "DATE": pa.date32(), "TIMESTAMP": pa.timestamp("us"),
}  # fmt: skip


def as_table(name: str, rows: Iterable[Mapping[str, Any]]) -> pa.Table:
    """Rows in the columns of the catalog; what a row does not say is NULL, what the table does not have is left out."""
    return pa.Table.from_pylist(list(rows), schema=pa.schema([(column.name, _TYPES[column.type]) for column in TABLES[name].columns]))
