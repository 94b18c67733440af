"""How a window is cut into parts, so that loading and computing fit into memory."""

from __future__ import annotations

from datetime import date, timedelta

import duckdb

from opsla_dagster.warehouse.parts import LOADING_EVENTS, parts_to_load
from opsla_dagster.window import Window

_START = date(2025, 7, 1)


def _warehouse(events: list[int]) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute("create schema raw; create table raw.source_partitions (intake_date date, cases bigint, events bigint)")
    for number, of_date in enumerate(events):
        connection.execute("insert into raw.source_partitions values (?, ?, ?)", [_START + timedelta(days=number), of_date // 3, of_date])
    return connection


def _days(connection: duckdb.DuckDBPyConnection, window: Window) -> list[int]:
    parts = list(parts_to_load(connection, window))
    assert [part.start for part in parts] == [window.start, *(part.end for part in parts[:-1])]
    assert parts[-1].end == window.end
    return [part.days for part in parts]


def test_sources_are_read_by_months_where_nobody_knows_how_much_there_is() -> None:
    assert _days(duckdb.connect(), Window(_START, _START + timedelta(days=70))) == [31, 31, 8]


def test_a_busy_log_is_read_in_parts_that_fit_and_never_less_than_a_date() -> None:
    third = LOADING_EVENTS // 3
    window = Window(_START, _START + timedelta(days=7))
    assert _days(_warehouse([third, third, third, 2, 5 * LOADING_EVENTS, 1, 1]), window) == [3, 1, 1, 2]
    assert _days(_warehouse([third, third, third, third]), window) == [3, 4]
