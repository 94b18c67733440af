"""Which rows a check looks at: the rows just written; of a view, those of the run's intake dates.

Belongs here: the FROM and WHERE of a check. Does not belong here: what is wrong with a row.
"""

from __future__ import annotations

from opsla_dagster.catalog import Kind, Table
from opsla_dagster.warehouse.sql import in_dates
from opsla_dagster.window import Dates


def scope(table: Table, window: Dates | None) -> str:
    """`<table> where <inside the window>`, for a FROM clause; conditions may follow with AND."""
    column = table.partition_column
    has_dates = table.kind in (Kind.PARTITIONED, Kind.VIEW) and any(each.name == column for each in table.columns)
    if window is None or not has_dates:
        return f"{table.name} where true"
    return f"{table.name} where {in_dates(column, window)}"
