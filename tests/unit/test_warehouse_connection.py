"""Opening a warehouse: what a person is told when it cannot be opened."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from opsla_dagster.errors import OpslaError
from opsla_dagster.settings.home import Home, available_memory_bytes, memory_bound
from opsla_dagster.sources.event_log.canonical import connect
from opsla_dagster.warehouse.connection import UNATTENDED_PATIENCE_SECONDS, open_duckdb

#: Everything that opens DuckDB to work with much data.
WORKERS: dict[str, Callable[[Path], duckdb.DuckDBPyConnection]] = {
    "warehouse": lambda path: open_duckdb(path / "any.duckdb", read_only=False, config=Home.of(path).duckdb_config()),
    "log": lambda path: connect(path / "spill", share=1.0),
}


@pytest.mark.parametrize("worker", WORKERS)
@pytest.mark.parametrize("limit", ["banana", "0GB", "1000000", "99999999999TB", "GB", "'2GB'"])
def test_a_memory_limit_that_is_none_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, worker: str, limit: str) -> None:
    monkeypatch.setenv("OPSLA_MEMORY_LIMIT", limit)
    with pytest.raises(OpslaError, match=f"^OPSLA_MEMORY_LIMIT={limit}: is no amount of memory; write 2GB"):
        WORKERS[worker](tmp_path)


@pytest.mark.parametrize("worker", WORKERS)
@pytest.mark.parametrize(("limit", "held"), [("512MB", "390.6 MiB"), ("1.5 gib", "1.1 GiB"), ("50%", "GiB")])
def test_a_memory_limit_bounds_everything_that_works_with_much(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, worker: str, limit: str, held: str
) -> None:
    monkeypatch.setenv("OPSLA_MEMORY_LIMIT", limit)
    with WORKERS[worker](tmp_path) as connection:
        (found,) = connection.execute("select current_setting('memory_limit')").fetchall()
    assert found[0].endswith(held)


def test_a_file_of_something_else_is_named(tmp_path: Path) -> None:
    path = tmp_path / "letter.duckdb"
    path.write_text("Dear all, " * 1_000, encoding="utf-8")
    with pytest.raises(OpslaError, match=r"letter\.duckdb: cannot be opened: .*not a valid DuckDB database"):
        open_duckdb(path, read_only=False)


def test_waiting_for_another_process_is_told_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "held.duckdb"
    command = f"import duckdb, sys; held = duckdb.connect({str(path)!r}); print(1, flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", command], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdin is not None
        assert holder.stdout is not None
        holder.stdout.readline()
        with pytest.raises(OpslaError, match=f"process {holder.pid} is working on this warehouse"):
            open_duckdb(path, read_only=False, patience_seconds=1.5)
        assert caplog.messages == [f"opsla: waiting for process {holder.pid}, which works on this warehouse, for 1.5 seconds at most"]
        holder.stdin.close()
    caplog.clear()
    open_duckdb(path, read_only=False).close()
    assert caplog.messages == []


def test_without_a_limit_half_of_the_container_is_left_to_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = available_memory_bytes([])
    for name, told in (("bounded", str(2**30)), ("unbounded", "max"), ("more than there is", str(2**62))):
        (tmp_path / name).write_text(f"{told}\n", encoding="ascii")
    assert available_memory_bytes([tmp_path / "bounded", tmp_path / "absent"]) == min(2**30, machine)
    assert available_memory_bytes([tmp_path / "unbounded", tmp_path / "more than there is"]) == machine
    monkeypatch.delenv("OPSLA_MEMORY_LIMIT", raising=False)
    monkeypatch.setattr("opsla_dagster.settings.home.CONTAINER_BOUNDS", (tmp_path / "bounded",))
    assert memory_bound() == {"memory_limit": f"{min(2**30, machine) // 2}B"}


@pytest.mark.parametrize(("limit", "half"), [("2GB", 10**9), ("1.5 gib", 3 * 2**28), ("512m", 256 * 10**6), ("1kB", 500)])
def test_a_share_of_the_limit_is_a_fifth_less_as_duckdb_counts(monkeypatch: pytest.MonkeyPatch, limit: str, half: int) -> None:
    monkeypatch.setenv("OPSLA_MEMORY_LIMIT", limit)
    assert memory_bound(0.5) == {"memory_limit": f"{half * 8 // 10}B"}


@pytest.mark.parametrize("limit", ["", "512MB"])
def test_memory_is_kept_between_statements_where_nobody_bounds_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str) -> None:
    monkeypatch.setenv("OPSLA_MEMORY_LIMIT", limit)
    kept = Home.of(tmp_path).duckdb_config().get("block_allocator_memory")
    assert kept == (None if limit else memory_bound(0.25)["memory_limit"])
    with WORKERS["warehouse"](tmp_path) as connection:
        (found,) = connection.execute("select current_setting('block_allocator_memory')").fetchall()
    assert found[0] == "0 bytes" if limit else found[0] != "0 bytes"


def test_a_run_that_nobody_watches_waits_until_the_warehouse_is_free(tmp_path: Path) -> None:
    path = tmp_path / "held.duckdb"
    command = f"import duckdb, sys; held = duckdb.connect({str(path)!r}); print(1, flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", command], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdin is not None
        assert holder.stdout is not None
        holder.stdout.readline()
        told: list[str] = []

        def release(text: str) -> None:
            told.append(text)
            assert holder.stdin is not None
            holder.stdin.close()

        open_duckdb(path, read_only=False, patience_seconds=UNATTENDED_PATIENCE_SECONDS, tell=release).close()
    assert told == [f"opsla: waiting for process {holder.pid}, which works on this warehouse, for 12.0 hours at most"]
