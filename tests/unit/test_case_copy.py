"""The published copy of single cases: what a failure in the middle of a file leaves behind, and that a run beside it is not disturbed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from opsla_dagster.catalog import TABLES
from opsla_dagster.settings.home import Home
from opsla_dagster.warehouse import case_copy
from opsla_dagster.warehouse.schema_version import VERSION_TABLE
from opsla_dagster.warehouse.write import ensure_table

MADE = "ops.refreshed_partitions"


def test_a_file_that_fails_in_the_middle_is_not_in_the_way_of_the_next(tmp_path: Path) -> None:
    """Beside a run it may be broken off at any statement; publishing then attaches a file of its own."""
    before, file = tmp_path / "before.duckdb", tmp_path / "after.duckdb"
    with duckdb.connect() as connection:
        connection.execute("create schema ops")
        ensure_table(connection, TABLES[MADE])
        with case_copy._writing(connection, before) as copy:
            case_copy._write_tables(connection, copy, {MADE: f"from {MADE}"})
        connection.execute(f"insert into {MADE} (source, intake_date, digest) values ('log', date '2025-07-01', 'of today')")
        with connection.cursor() as beside, pytest.raises(duckdb.CatalogException, match="not_there"), case_copy._writing(beside, file, before) as copy:
            case_copy._replace_changed_dates(beside, copy, {MADE: "select * from not_there"}, "true")
        assert not list(tmp_path.glob("after*"))
        with case_copy._writing(connection, file, before) as copy:
            case_copy._replace_changed_dates(connection, copy, {MADE: f"select * from {MADE}"}, "true")
    with duckdb.connect(str(file), read_only=True) as copied:
        assert copied.execute(f"select source from {MADE}").fetchall() == [("log",)]


def test_a_transaction_of_the_run_may_see_one_file_after_another(tmp_path: Path) -> None:
    """DuckDB attaches for everybody, and breaks a transaction that has seen two databases of one name: a run that makes a table while half-years are copied beside it."""
    home = Home(tmp_path)
    with duckdb.connect(str(tmp_path / "ops_warehouse.duckdb")) as connection:
        connection.execute("create schema ops")
        ensure_table(connection, TABLES[MADE])
        connection.execute(f"create table {VERSION_TABLE} as select 1 as schema_version, 'x' as opsla_version")
        connection.execute(
            f"insert into {MADE} (source, intake_date, digest, as_of_at, cases, events) "
            "select 'log', day, 'd', timestamp '2025-08-01', 1, 1 from (values (date '2024-12-31'), (date '2025-06-30'), (date '2025-07-01')) as days (day)"
        )
        seen: list[str] = []
        with connection.cursor() as beside:

            def look(copying: Callable[..., None]) -> Callable[..., None]:
                def copying_and_looked_at(*arguments: Any) -> None:
                    copying(*arguments)
                    seen.extend(name for (name,) in connection.execute("select distinct database_name from duckdb_tables() where database_name like 'cases%'").fetchall())

                return copying_and_looked_at

            with pytest.MonkeyPatch.context() as patched:
                patched.setattr(case_copy, "_write_tables", look(case_copy._write_tables))
                connection.begin()
                files = case_copy.copy_half_years(beside, home)
                connection.execute(f"select count(*) from {MADE}")
                connection.commit()
    assert len(files) == 3
    assert len(set(seen)) == 3
