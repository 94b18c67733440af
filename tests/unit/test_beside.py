"""What is done beside a run: it sees what is finished, is waited for, and stops with a run that fails."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import duckdb
import pytest

from opsla_dagster.assets import factory
from opsla_dagster.errors import OpslaError
from opsla_dagster.warehouse.beside import Beside
from opsla_dagster.warehouse.connection import Warehouse
from opsla_dagster.warehouse.exhaustion import disk_error

_FOR_EVER = "select count(*) from range(10000000000) as a, range(10000000000) as b where a.range + b.range = 3"


def test_it_reads_what_is_committed_while_the_run_goes_on() -> None:
    with duckdb.connect() as connection:
        connection.execute("create table finished as select 1 as a")
        read: list[int] = []
        go_on = threading.Event()

        def work(cursor: duckdb.DuckDBPyConnection) -> None:
            go_on.wait(10)
            read.extend(row[0] for row in cursor.execute("select a from finished").fetchall())

        beside = Beside(connection, work)
        connection.begin()
        connection.execute("create table next as select 2 as a")
        go_on.set()
        beside.wait()
        connection.commit()
        assert read == [1]


def test_stopped_in_the_middle_of_a_statement() -> None:
    """Also of the statement after it: a run that was stopped is not kept waiting."""
    with duckdb.connect() as connection:
        begun = threading.Event()

        def work(cursor: duckdb.DuckDBPyConnection) -> None:
            begun.set()
            for _ in range(2):
                try:
                    cursor.execute(_FOR_EVER)
                except duckdb.InterruptException:
                    continue

        beside = Beside(connection, work)
        assert begun.wait(10)
        beside.stop()
        assert connection.execute("select 1").fetchone() == (1,), "the run's own connection goes on"


def test_a_failure_is_left_to_who_needs_the_result() -> None:
    escaped: list[object] = []
    with duckdb.connect() as connection:
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(threading, "excepthook", lambda told: escaped.append(told.exc_value))
            Beside(connection, lambda cursor: cursor.execute("select * from not_there")).wait()
        assert escaped == []
        assert connection.execute("select 1").fetchone() == (1,)


def test_a_warehouse_that_is_closed_leaves_nothing_behind(tmp_path: Path) -> None:
    warehouse = Warehouse(database=str(tmp_path / "warehouse.duckdb"))
    warehouse.connection()
    warehouse.begin_beside(lambda cursor: cursor.execute(_FOR_EVER))
    time.sleep(0.05)
    warehouse.close()
    assert not any(thread.name.startswith("opsla beside") for thread in threading.enumerate())
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as connection:  # nobody holds it
        assert connection.execute("select 1").fetchone() == (1,)


@pytest.mark.parametrize("error", [duckdb.OutOfMemoryException("of a query"), disk_error("of a write"), OpslaError("of something else")], ids=str)
@pytest.mark.parametrize("begun", [_FOR_EVER, "select nothing", None], ids=["goes on", "failed", "nothing"])
def test_a_table_that_runs_out_of_memory_is_made_once_more_without_what_is_done_beside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, begun: str | None
) -> None:
    if str(error) == "of a write":
        error.__cause__ = duckdb.OutOfMemoryException("of the disk")
    tried = []

    def make_table(line: object, scope: object, outcomes: list[object]) -> int:
        tried.append(list(outcomes))
        outcomes.append("a verdict")
        if len(tried) == 1:
            raise error
        return 7

    monkeypatch.setattr(factory, "make_table", make_table)
    warehouse = Warehouse(database=str(tmp_path / "warehouse.duckdb"))
    if begun is not None:
        warehouse.begin_beside(lambda cursor: cursor.execute(begun))
    outcomes: list[Any] = []
    if begun and str(error) != "of something else":
        assert factory._make_with_what_memory_there_is(None, None, outcomes, warehouse) == 7  # type: ignore[arg-type]
        assert (tried, outcomes) == ([[], []], ["a verdict"]), "verdicts are of the second try alone"
        assert not any(thread.name.startswith("opsla beside") for thread in threading.enumerate())
    else:
        with pytest.raises(type(error), match=str(error)):
            factory._make_with_what_memory_there_is(None, None, outcomes, warehouse)  # type: ignore[arg-type]
        assert len(tried) == 1
    warehouse.close()


@pytest.mark.parametrize("works", [True, False])
def test_one_after_the_other(tmp_path: Path, works: bool) -> None:
    warehouse = Warehouse(database=str(tmp_path / "warehouse.duckdb"))
    done: list[int] = []

    def work(number: int, cursor: duckdb.DuckDBPyConnection) -> None:
        cursor.execute("select 1" if works else "select nothing")
        done.append(number)

    warehouse.begin_beside(lambda cursor: work(1, cursor))
    warehouse.begin_beside(lambda cursor: work(2, cursor))
    warehouse.wait_for_beside()
    warehouse.wait_for_beside()
    warehouse.close()
    assert done == ([1, 2] if works else [])
