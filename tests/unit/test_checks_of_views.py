"""A view is computed once for its schema check and its count, and both are right."""

from __future__ import annotations

from datetime import date

import duckdb
import pytest

from opsla_dagster.catalog.columns import COLUMNS
from opsla_dagster.catalog.model import Kind, Table
from opsla_dagster.checks.schema import ROWS_CHECKED, check_schema
from opsla_dagster.warehouse.write import replace_view
from opsla_dagster.window import Window

TABLE = Table(
    name="mart.any", kind=Kind.VIEW, grain="One row per case.", description="Any.", key=("case_id",),
    columns=(COLUMNS["case_id"], COLUMNS["intake_date"]),
)
SELECT = """
    select * from (values
        ('C1', date '2025-07-01'), ('C1', date '2025-07-01'), (null, date '2025-07-01'), ('C2', date '2025-07-02')
    ) as cases (case_id, intake_date)
"""


@pytest.mark.parametrize(("days", "rows", "repeated", "nulls"), [((1, 2), 3, 1, 1), ((2, 3), 1, 0, 0), (None, 4, 1, 1)])
def test_rows_and_broken_rules_of_the_dates_asked_for(days: tuple[int, int] | None, rows: int, repeated: int, nulls: int) -> None:
    window = Window(date(2025, 7, days[0]), date(2025, 7, days[1])) if days else None
    with duckdb.connect() as connection:
        connection.execute("create schema mart")
        counted = replace_view(connection, TABLE, SELECT, window=window)
        outcome = check_schema(connection, TABLE, window)
        told = replace_view(connection, TABLE, SELECT, lambda: 7, window)
    assert (counted, told) == (rows, 7)
    assert outcome.figures[ROWS_CHECKED] == rows
    assert outcome.figures.get("rows breaking unique (case_id)", 0) == repeated
    assert outcome.figures.get("rows breaking case_id not null", 0) == nulls
    assert outcome.passed == (not repeated and not nulls)
