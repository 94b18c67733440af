"""replace_window against a model in Python: any sequence of windows, parts and failures leaves the rows the model says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

import duckdb
import pyarrow as pa
import pytest
from effort import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from opsla_dagster.catalog.model import Column, Kind, Table
from opsla_dagster.errors import OpslaError
from opsla_dagster.warehouse.write import Rows, replace_view, replace_whole, replace_window
from opsla_dagster.window import ONE_DAY, Window

FIRST = date(2025, 7, 1)
TABLE = Table(
    name="raw.things", kind=Kind.PARTITIONED, grain="One row per thing.", description="", key=("thing",),
    columns=(Column("day", "DATE", ""), Column("thing", "BIGINT", "")), partition_column="day",
)
Row = tuple[date | None, int]
Held = Counter[Row]
Failure = Literal["verdict", "part", "outside", "no date", None]


class Interrupted(Exception):
    """What a part or a verdict raises here."""


@dataclass(frozen=True)
class Write:
    """One call: the window, its rows by day (an offset from FIRST), how they are handed over, and what goes wrong."""

    start: int
    days: int
    things: dict[int, list[int]]
    part_days: int
    as_sql: bool
    failure: Failure

    @property
    def window(self) -> Window:
        return Window(FIRST + timedelta(self.start), FIRST + timedelta(self.start + self.days))

    @property
    def rows(self) -> list[Row]:
        return [(FIRST + timedelta(self.start + day), thing) for day, things in self.things.items() for thing in things]


@st.composite
def writes(draw: st.DrawFn) -> Write:
    days = draw(st.integers(1, 6))
    things = draw(st.dictionaries(st.integers(0, days - 1), st.lists(st.integers(0, 99), max_size=4), max_size=days))
    failure = draw(st.sampled_from([None, None, None, "verdict", "part", "outside", "no date"]))
    return Write(draw(st.integers(0, 8)), days, things, draw(st.integers(1, 6)), draw(st.booleans()), failure)


def parts_of(write: Write) -> Iterator[tuple[Window, Rows]]:
    stray: list[Row] = [(write.window.end, 1)] if write.failure == "outside" else []
    stray += [(None, 1)] if write.failure == "no date" else []
    for part in write.window.split(write.part_days):
        rows = [row for row in write.rows if row[0] is not None and row[0] in part]
        if part.end == write.window.end:
            if write.failure == "part":
                raise Interrupted
            rows += stray
        yield part, _select(rows, part) if write.as_sql else _arrow(rows)


def _arrow(rows: list[Row]) -> pa.Table:
    return pa.table([pa.array([row[0] for row in rows], pa.date32()), pa.array([row[1] for row in rows], pa.int64())], ["day", "thing"])


def _select(rows: list[Row], part: Window) -> str:
    """Columns in another order, since they are inserted by name; bound to the part's own dates, except for a stray row."""
    days = [f"date '{day}'" if day is not None else "cast(null as date)" for day, _ in rows]
    made = [f"select {thing} as thing, {day} as day" for day, (_, thing) in zip(days, rows, strict=True)]
    made = made or ["select 0 as thing, cast(null as date) as day"]
    bound = "day >= $start_date and day < $end_date"
    has_stray = any(day is None or day not in part for day, _ in rows)
    return f"select thing, day from ({' union all '.join(made)}) where ({bound}) or {has_stray}"


def held(connection: duckdb.DuckDBPyConnection) -> Held:
    exists = connection.execute("select 1 from duckdb_tables() where schema_name = 'raw' and table_name = 'things'").fetchone()
    return Counter(connection.execute("select day, thing from raw.things").fetchall()) if exists else Counter()


def carry_out(connection: duckdb.DuckDBPyConnection, write: Write) -> int:
    def verdict() -> None:
        # The verdict sees the rows as they would be kept.
        inside = {row: n for row, n in held(connection).items() if row[0] is not None and row[0] in write.window}
        assert Counter(inside) == Counter(write.rows)
        if write.failure == "verdict":
            raise Interrupted

    return replace_window(connection, TABLE, write.window, parts_of(write), verdict)


def expected_after(before: Held, write: Write) -> Held:
    kept = Counter({row: n for row, n in before.items() if row[0] is not None and row[0] not in write.window})
    return kept + Counter(write.rows)


@settings(max_examples=examples(80), deadline=None, derandomize=True, database=None)
@given(st.lists(writes(), min_size=1, max_size=7))
def test_any_sequence_of_writes_leaves_what_the_model_says(sequence: list[Write]) -> None:
    with duckdb.connect() as connection:
        connection.execute("create schema raw")
        model: Held = Counter()
        for write in sequence:
            if write.failure is None:
                model = expected_after(model, write)
                assert carry_out(connection, write) == len(write.rows)
                assert held(connection) == model
                carry_out(connection, write)  # once more changes nothing
            elif write.failure in ("outside", "no date"):
                with pytest.raises(OpslaError, match=rf"raw\.things: 1 of {len(write.rows) + 1} rows lie outside {write.window}"):
                    carry_out(connection, write)
            else:
                with pytest.raises(Interrupted):
                    carry_out(connection, write)
            assert held(connection) == model


@settings(max_examples=examples(15), deadline=None, derandomize=True, database=None)
@given(st.lists(writes(), min_size=1, max_size=4))
def test_what_was_written_is_there_after_opening_the_file_again(tmp_path_factory: pytest.TempPathFactory, sequence: list[Write]) -> None:
    path = tmp_path_factory.mktemp("file") / "warehouse.duckdb"
    model: Held = Counter()
    for write in sequence:
        with duckdb.connect(str(path)) as connection:
            connection.execute("create schema if not exists raw")
            assert held(connection) == model
            try:
                carry_out(connection, write)
                model = expected_after(model, write)
            except (OpslaError, Interrupted):
                assert write.failure is not None
    with duckdb.connect(str(path), read_only=True) as connection:
        assert held(connection) == model


def test_other_columns_are_refused_and_change_nothing() -> None:
    with duckdb.connect() as connection:
        connection.execute("create schema raw")
        connection.execute("create table raw.things (day date, thing varchar)")
        connection.execute("insert into raw.things values ('2025-07-01', 'old')")
        with pytest.raises(OpslaError, match=r"raw\.things: the warehouse holds this table with other columns"):
            replace_window(connection, TABLE, Window(FIRST, FIRST + ONE_DAY), [])
        assert connection.execute("select thing from raw.things").fetchall() == [("old",)]


def test_snapshots_and_views_are_replaced_whole_or_not_at_all() -> None:
    def refuse() -> None:
        raise Interrupted

    def shown(name: str) -> list[tuple[object, ...]]:
        return connection.execute(f"select day, thing from {name} order by all").fetchall()

    snapshot = Table(**{**vars(TABLE), "kind": Kind.FULL_REFRESH})
    view = Table(**{**vars(TABLE), "kind": Kind.VIEW, "name": "raw.shown"})
    with duckdb.connect() as connection:
        connection.execute("create schema raw")
        assert replace_whole(connection, snapshot, _arrow([(FIRST, 1), (FIRST, 2)])) == 2
        assert replace_view(connection, view, "select day, thing from raw.things") == 2
        with pytest.raises(Interrupted):
            replace_whole(connection, snapshot, _arrow([(FIRST, 3)]), refuse)
        with pytest.raises(Interrupted):
            replace_view(connection, view, "select day, thing + 1 as thing from raw.things", refuse)
        assert shown("raw.things") == shown("raw.shown") == [(FIRST, 1), (FIRST, 2)]
        assert replace_whole(connection, snapshot, _arrow([(FIRST, 3)])) == 1
        assert shown("raw.things") == shown("raw.shown") == [(FIRST, 3)]
