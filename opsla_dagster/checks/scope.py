"""Which rows a check looks at: the rows just written; of a view, those of the run's intake dates.

Belongs here: the FROM and WHERE of a check. Does not belong here: what is wrong with a row.
"""

from __future__ import annotations

from opsla_dagster.catalog import Table
from opsla_dagster.warehouse.sql import in_dates
from opsla_dagster.window import Dates


def scope(table: Table, window: Dates | None) -> str:
    """`<table> where <inside the window>`, for a FROM clause; conditions may follow with AND."""
    if window is None or not table.is_by_date:
        return f"{table.name} where true"
    return f"{table.name} where {in_dates(table.partition_column, window)}"
