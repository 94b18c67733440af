"""The published copy of single cases: the warehouse's own file, and beside it what has changed since."""

from __future__ import annotations

import errno
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from opsla_dagster.catalog import TABLES
from opsla_dagster.settings.home import Home
from opsla_dagster.warehouse import case_copy, file_copy
from opsla_dagster.warehouse.case_copy import attach_cases, copied_cases, record_cases
from opsla_dagster.warehouse.schema_version import VERSION_TABLE
from opsla_dagster.warehouse.write import ensure_table

MADE, CASES, UNDATED = "ops.refreshed_partitions", "staging.case_milestones", "raw.rejected_rows"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


@pytest.fixture
def warehouse(home: Home) -> Iterator[duckdb.DuckDBPyConnection]:
    """Twelve dates of one case each, and one row without a date."""
    with duckdb.connect(str(home.warehouse)) as connection:
        for schema in ("raw", "staging", "ops"):
            connection.execute(f"create schema {schema}")
        for table in (MADE, CASES, UNDATED):
            ensure_table(connection, TABLES[table])
        connection.execute(f"create table {VERSION_TABLE} as select 1 as schema_version, 'x' as opsla_version")
        days = "from range(12) as days (n)"
        connection.execute(f"insert into {MADE} (source, intake_date, digest, cases) select 'log', date '2025-07-01' + n::int, 'd', 1 {days}")
        connection.execute(f"insert into {CASES} (case_id, intake_date, priority) select 'C' || n, date '2025-07-01' + n::int, 'P1' {days}")
        connection.execute(f"insert into {UNDATED} (source) values ('log')")
        yield connection


def published(connection: duckdb.DuckDBPyConnection, home: Home) -> list[str]:
    """Publishes the cases alone, with marts that name them; which files they are."""
    with copied_cases(connection, home) as files:
        pass
    home.marts_database.unlink(missing_ok=True)
    connection.execute(f"attach '{home.marts_database}' as published")
    connection.execute("create schema published.ops")
    record_cases(connection, "published", files)
    connection.execute("detach published")
    assert all(file.exists() for file in files)
    assert not list(home.case_copies.glob("*.writing"))
    return [file.name for file in files]


def held(home: Home, files: list[str]) -> dict[str, list[Any]]:
    with duckdb.connect() as connection:
        selects = attach_cases(connection, [home.case_copies / name for name in files], "copied")
        return {table: connection.execute(f"{select} order by all").fetchall() for table, select in selects.items()}


def warehouse_rows(connection: duckdb.DuckDBPyConnection) -> dict[str, list[Any]]:
    return {table: connection.execute(f"from {table} order by all").fetchall() for table in (MADE, CASES, UNDATED)}


def make_anew(connection: duckdb.DuckDBPyConnection, *days: int, priority: str = "P2") -> None:
    for day in days:
        connection.execute(f"update {MADE} set digest = digest || '+' where intake_date = $day", {"day": date(2025, 7, day)})
        connection.execute(f"update {CASES} set priority = $priority where intake_date = $day", {"day": date(2025, 7, day), "priority": priority})


def test_the_base_stays_while_few_dates_have_changed(warehouse: duckdb.DuckDBPyConnection, home: Home) -> None:
    [base] = published(warehouse, home)
    assert held(home, [base]) == warehouse_rows(warehouse)

    # One date, the same again, another one; rows that have no dates; a date that is gone; nothing at all.
    steps: list[tuple[list[int], str]] = [([3], ""), ([3], ""), ([4], f"insert into {UNDATED} (source) values ('other')"), ([], ""), ([], "date '2025-07-05'")]
    for days, other in steps:
        make_anew(warehouse, *days, priority=f"P{len(days) + 1}")
        if other.startswith("date"):
            for table in (MADE, CASES):
                warehouse.execute(f"delete from {table} where intake_date = {other}")
        elif other:
            warehouse.execute(other)
        files = published(warehouse, home)
        assert (files[0], len(files)) == (base, 2)
        assert held(home, files) == warehouse_rows(warehouse)

    # A date that is as the base has it again.
    warehouse.execute(f"update {MADE} set digest = 'd' where intake_date = date '2025-07-04'")
    warehouse.execute(f"update {CASES} set priority = 'P1' where intake_date = date '2025-07-04'")
    files = published(warehouse, home)
    assert files[0] == base
    assert held(home, files) == warehouse_rows(warehouse)
    make_anew(warehouse, 1, 2, 8, 9)
    [another] = published(warehouse, home)
    assert another != base, "more than three tenths of the dates"
    assert held(home, [another]) == warehouse_rows(warehouse)


def test_a_base_that_is_of_no_use_is_made_anew(warehouse: duckdb.DuckDBPyConnection, home: Home) -> None:
    [base] = published(warehouse, home)
    warehouse.execute(f"update {VERSION_TABLE} set opsla_version = 'y'")
    [other] = published(warehouse, home)
    assert other[:14] != base[:14], "of another opsla"
    warehouse.execute(f"alter table {CASES} add column another integer")
    [wider] = published(warehouse, home)
    assert wider[:14] != other[:14], "of other columns"
    (home.case_copies / wider).write_bytes(b"damaged")
    [whole] = published(warehouse, home)
    (home.case_copies / whole).unlink()
    [again] = published(warehouse, home)
    assert held(home, [again]) == warehouse_rows(warehouse)


@pytest.mark.parametrize("changed", ["fingerprint = 'f'", "digest = 'e'", "as_of_at = timestamp '2025-08-01'", "cases = 2", "events = 2"])
def test_a_date_is_copied_anew_whatever_of_it_has_changed(warehouse: duckdb.DuckDBPyConnection, home: Home, changed: str) -> None:
    """The state of a simulated date is how many cases and events it has: with another simulation.yml they may be as many, and others."""
    published(warehouse, home)
    warehouse.execute(f"update {MADE} set {changed} where intake_date = date '2025-07-03'")
    warehouse.execute(f"update {CASES} set team = 'another' where intake_date = date '2025-07-03'")
    assert held(home, published(warehouse, home)) == warehouse_rows(warehouse)


@pytest.mark.parametrize("changed", [[], [3]], ids=["base", "second file"])
def test_a_copy_that_breaks_off_is_not_in_the_way_of_the_next(
    warehouse: duckdb.DuckDBPyConnection, home: Home, changed: list[int]
) -> None:
    if changed:
        published(warehouse, home)
        make_anew(warehouse, *changed)
    before = sorted(home.case_copies.glob("*"))
    with pytest.MonkeyPatch.context() as patched:
        if changed:
            patched.setattr(case_copy, "_replaced", lambda *_asked: ["select nothing"])
            with pytest.raises(duckdb.BinderException, match="nothing"), copied_cases(warehouse, home):
                pass
        else:
            patched.setattr(file_copy, "__file__", str(home.root / "gone.py"))
            with pytest.raises(OSError, match=r"gone\.py"), copied_cases(warehouse, home):
                pass
    assert sorted(home.case_copies.glob("*")) == before
    with pytest.raises(RuntimeError, match="of the marts"), copied_cases(warehouse, home):
        raise RuntimeError("of the marts")
    assert not list(home.case_copies.glob("*.writing"))
    assert held(home, published(warehouse, home)) == warehouse_rows(warehouse)


@pytest.mark.parametrize("changed", [[], [3]], ids=["base", "second file"])
def test_what_killed_runs_left_goes_before_there_is_more_of_it(warehouse: duckdb.DuckDBPyConnection, home: Home, changed: list[int]) -> None:
    """A base is as large as the warehouse: where the disk gets full, each try would leave another one."""
    named = published(warehouse, home)
    (home.case_copies / "lost+found").mkdir()
    (home.case_copies / "base-0-0.writing").touch()
    if changed:
        make_anew(warehouse, *changed)
    else:
        warehouse.execute(f"alter table {CASES} add column another integer")
    for _ in range(3):  # a run that is killed before its marts are in place
        with copied_cases(warehouse, home) as files:
            pass
    assert {path.name for path in home.case_copies.iterdir()} == {"lost+found", *named, *(file.name for file in files)}
    assert set(held(home, named)) == {MADE, CASES, UNDATED}


@pytest.mark.parametrize("changed", [[], [3]], ids=["base", "second file"])
def test_a_disk_without_room_leaves_what_was_published(warehouse: duckdb.DuckDBPyConnection, home: Home, changed: list[int]) -> None:
    """As a limit on the size of files: what a full disk says comes from the same writes."""
    named = published(warehouse, home)
    before = held(home, named)
    if changed:
        make_anew(warehouse, *changed)
    else:
        warehouse.execute(f"alter table {CASES} add column another integer")
    warehouse.execute("checkpoint")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises((OSError, duckdb.IOException), match="too large"), copied_cases(warehouse, home):
            pass
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert {path.name for path in home.case_copies.iterdir()} == set(named)
    assert held(home, named) == before
    assert held(home, published(warehouse, home)) == warehouse_rows(warehouse)


def test_what_marts_name_that_nobody_can_read_now_stays(warehouse: duckdb.DuckDBPyConnection, home: Home) -> None:
    """Another program may have them open: if this publication fails, they still stand."""
    [base] = published(warehouse, home)
    marts = home.marts_database.read_bytes()
    home.marts_database.write_bytes(b"not now")
    with pytest.raises(RuntimeError, match="of the marts"), copied_cases(warehouse, home):
        raise RuntimeError("of the marts")
    home.marts_database.write_bytes(marts)
    assert [file.name for file in case_copy.published_cases(home)] == [base]


def test_the_run_keeps_its_lock_while_its_file_is_copied(warehouse: duckdb.DuckDBPyConnection, home: Home) -> None:
    """A process gives up its lock when it closes the file, whoever opened it: somebody else could write into the warehouse of a run."""
    published(warehouse, home)
    attempt = f"import duckdb; duckdb.connect({str(home.warehouse)!r})"
    told = subprocess.run([sys.executable, "-c", attempt], capture_output=True, text=True, check=False)
    assert "Conflicting lock" in told.stderr


def test_rows_that_are_in_the_log_alone_are_in_the_base(warehouse: duckdb.DuckDBPyConnection, home: Home) -> None:
    warehouse.execute("set checkpoint_threshold = '1GB'")
    warehouse.execute(f"insert into {UNDATED} (source) values ('later')")
    assert home.warehouse.with_name(f"{home.warehouse.name}.wal").stat().st_size > 0
    assert held(home, published(warehouse, home)) == warehouse_rows(warehouse)


@pytest.mark.parametrize("offered", [0, 5, None], ids=["nothing", "a part", "an error"])
def test_a_file_is_copied_whole_whatever_the_file_system_offers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, offered: int | None) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(bytes(range(256)) * 1000)
    offers = iter([offered, 0])
    copy_range = os.copy_file_range

    def copied(read: int, written: int, wanted: int) -> int:
        most = next(offers)
        if most is None:
            raise OSError(errno.EXDEV, "not here")
        return copy_range(read, written, most) if most else 0

    monkeypatch.setattr(os, "copy_file_range", copied)
    file_copy.copy_file(str(source), str(target))
    assert target.read_bytes() == source.read_bytes()
