"""Rows of one case, as the warehouse or its published copy has them.

Belongs here: how they are fetched. Does not belong here: what they mean.
"""

from __future__ import annotations

from typing import Any

import duckdb

from opsla_dagster.reporting.marts import has_table
from opsla_dagster.warehouse.rows import rows_by_name

Row = dict[str, Any]


def rows_of(connection: duckdb.DuckDBPyConnection, sql: str, **values: object) -> list[Row]:
    """The rows of a query, a dictionary by column name each."""
    return rows_by_name(connection, sql, values)


def of_case(connection: duckdb.DuckDBPyConnection, table: str, case: Row, order: str) -> list[Row]:
    """The rows of a case; none where the enabled sources do not feed the table's area."""
    if not has_table(connection, table):
        return []
    return rows_of(
        connection,
        f"select * from {table} where intake_date = $intake_date and case_id = $case_id order by {order}",
        intake_date=case["intake_date"],
        case_id=case["case_id"],
    )
