"""A few rows of a table, for who looks at its materialisation in the UI.

Belongs here: how many rows and columns, and how they are written. Does not belong here: exports (reporting/), and samples of failed checks.
"""

from __future__ import annotations

import dagster as dg
import duckdb

from opsla_dagster.catalog import Kind, Table
from opsla_dagster.printable import fenced
from opsla_dagster.warehouse.sql import in_dates
from opsla_dagster.window import Dates, Window

PREVIEW = "preview"
_ROWS, _COLUMNS, _CHARACTERS = 5, 8, 24
#: A whole record of the source, free text included: it stays in the warehouse.
_NOT_SHOWN = frozenset({"record"})


def preview(connection: duckdb.DuckDBPyConnection, table: Table, dates: Dates | None) -> dict[str, dg.MetadataValue[str | None]]:
    """The first rows of the last of `dates` (None: of the table), in no order of meaning, as a block of text; nothing of a view.

    A view would be computed for it. What a source says is text there, and no markup.
    """
    if table.kind is Kind.VIEW:
        return {}
    names = [column.name for column in table.columns if column.name not in _NOT_SHOWN][:_COLUMNS]
    inside = "true" if dates is None else in_dates(table.partition_column, Window(dates.last, dates.end))
    cells = ", ".join(f"cast({name} as varchar)" for name in names)
    rows = connection.execute(f"select {cells} from {table.name} where {inside} limit {_ROWS}").fetchall()
    more = len(table.columns) - len(names)
    lines = _aligned([names, *([_cell(value) for value in row] for row in rows)]) if rows else ["no rows"]
    return {PREVIEW: dg.MetadataValue.md(fenced("\n".join([*lines, *([f"and {more} more columns"] if more else [])])))}


def _cell(value: str | None) -> str:
    """On one line, and short."""
    text = "-" if value is None else " ".join(value.split())
    return text if len(text) <= _CHARACTERS else f"{text[: _CHARACTERS - 1]}…"


def _aligned(rows: list[list[str]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
