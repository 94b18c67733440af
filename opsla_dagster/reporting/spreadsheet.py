"""CSV files that a spreadsheet can open: what a source wrote is text there and no formula.

A cell that begins with `=`, `+`, `-` or `@` is a formula to a spreadsheet, whoever wrote it: https://owasp.org/www-community/attacks/CSV_Injection.
Belongs here: writing a SELECT as CSV. Does not belong here: which one.
"""

from __future__ import annotations

from pathlib import Path

import duckdb

from opsla_dagster.warehouse.sql import literal

#: Said beside a CSV file that was written for spreadsheets.
NOTE = "Text that a spreadsheet would take for a formula begins with an apostrophe (--raw: as it is)."
#: ASCII, and the full-width forms that some spreadsheets read alike.
_SIGNS = "[=+@＝＋－＠-]"
#: At the start of a cell; blanks and invisible characters before it do not help.
_FORMULA = rf"^(?:[\pZ\pC]*{_SIGNS}|[\t\r\n])"
#: Inside a cell, after what may be the separator where the file is opened, or after a line break: it would begin a cell there.
_FORMULA_INSIDE = rf"([;\t\r\n][\pZ\pC]*)({_SIGNS})"
#: A number stays one, in a text column too.
_NUMBER = r"^[+-]?\d+(\.\d+)?([eE][+-]?\d+)?$"


def write_csv(connection: duckdb.DuckDBPyConnection, select: str, path: Path, *, raw: bool) -> int:
    """Writes the rows of `select` to `path` with a header and returns how many there are.

    Unless `raw`, text columns are quoted throughout, and text that a spreadsheet would take for a formula has an apostrophe before it.
    Raises duckdb.IOException where the file cannot be written.
    """
    columns = [(row[0], row[1]) for row in connection.execute(f"describe {select}").fetchall()]
    text = [] if raw else [f'"{name}"' for name, data_type in columns if data_type == "VARCHAR"]
    replaced = ", ".join(f"{_neutralised(column)} as {column}" for column in text)
    rows = f"select * replace ({replaced}) from ({select})" if text else select
    quoted = f", force_quote ({', '.join(text)})" if text else ""
    written = connection.execute(f"copy ({rows}) to {literal(str(path))} (format csv, header{quoted})").fetchone()
    return int(written[0]) if written else 0


def _neutralised(column: str) -> str:
    """SQL: the text of `column`, harmless in a spreadsheet."""
    inside = rf"regexp_replace({column}, '{_FORMULA_INSIDE}', '\1''\2', 'g')"
    is_formula = f"regexp_matches({column}, '{_FORMULA}') and not regexp_matches({column}, '{_NUMBER}')"
    return f"case when {is_formula} then '''' || {inside} else {inside} end"
