"""Which rows a check looks at: the rows just written.

Belongs here: the FROM and WHERE of a check. Does not belong here: what is wrong with a row.
"""

from __future__ import annotations

from opsla_dagster.catalog import Kind, Table
from opsla_dagster.window import Window


def scope(table: Table, window: Window | None) -> str:
    """`<table> where <inside the window>`, for a FROM clause; conditions may follow with AND."""
    if table.kind is not Kind.PARTITIONED or window is None:
        return f"{table.name} where true"
    column = table.partition_column
    return f"{table.name} where {column} >= date '{window.start}' and {column} < date '{window.end}'"
