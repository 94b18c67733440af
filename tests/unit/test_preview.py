"""A few rows of a table in the metadata of its materialisation: bounded, and text whatever a source puts into it."""

from __future__ import annotations

from datetime import date

import duckdb

from opsla_dagster.assets.preview import preview
from opsla_dagster.catalog import TABLES, Kind
from opsla_dagster.warehouse.write import ensure_table
from opsla_dagster.window import DateSet, Window


def _table(name: str) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute(f"create schema {name.split('.')[0]}")
    ensure_table(connection, TABLES[name])
    return connection


def test_what_a_source_says_is_text_and_short() -> None:
    connection = _table("raw.rejected_rows")
    evil = "``` <img src=x onerror=alert(1)>\n| [a](javascript:b) \x1b[31m"
    for number in range(50):
        connection.execute("insert into raw.rejected_rows by name select 'log' as source, ? as row_number, ? as case_id, 'secret' as record", [number, evil])
    (shown,) = preview(connection, TABLES["raw.rejected_rows"], None).values()
    text = str(shown.value)
    lines = text.splitlines()
    assert lines[0] == lines[-1] == "````", "a longer fence than any the source brings"
    assert len(lines) == 2 + 1 + 5 + 1
    assert max(map(len, lines)) < 8 * 26
    assert "onerror=alert" not in text
    assert "secret" not in text
    assert "\x1b" not in text


def test_of_dates_the_last_ones_are_shown_and_of_views_nothing() -> None:
    connection = _table("raw.cases")
    for day in (1, 5):
        connection.execute("insert into raw.cases by name select ? as case_id, make_date(2025, 7, ?) as intake_date", [f"C{day}", day])
    first, last = Window(date(2025, 7, 1), date(2025, 7, 2)), Window(date(2025, 7, 5), date(2025, 7, 6))
    (shown,) = preview(connection, TABLES["raw.cases"], DateSet((first, last))).values()
    assert "C5" in str(shown.value)
    assert "C1" not in str(shown.value)
    (empty,) = preview(connection, TABLES["raw.cases"], Window(date(2025, 8, 1), date(2025, 8, 2))).values()
    assert "no rows" in str(empty.value)
    view = next(table for table in TABLES.values() if table.kind is Kind.VIEW)
    assert preview(connection, view, None) == {}
