"""The published copy of single cases: what a failure in the middle of a file leaves behind."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from opsla_dagster.catalog import TABLES
from opsla_dagster.warehouse import case_copy
from opsla_dagster.warehouse.write import ensure_table

MADE = "ops.refreshed_partitions"


def test_a_file_that_fails_in_the_middle_is_not_in_the_way_of_the_next(tmp_path: Path) -> None:
    """Beside a run it may be broken off at any statement; publishing then attaches the file that it writes under the same name."""
    before, file = tmp_path / "before.duckdb", tmp_path / "after.duckdb"
    with duckdb.connect() as connection:
        connection.execute("create schema ops")
        ensure_table(connection, TABLES[MADE])
        with case_copy._writing(connection, before):
            case_copy._write_tables(connection, {MADE: f"from {MADE}"})
        connection.execute(f"insert into {MADE} (source, intake_date, digest) values ('log', date '2025-07-01', 'of today')")
        with connection.cursor() as beside, pytest.raises(duckdb.CatalogException, match="not_there"), case_copy._writing(beside, file, before):
            case_copy._replace_changed_dates(beside, {MADE: "select * from not_there"}, "true")
        assert not list(tmp_path.glob("after*"))
        with case_copy._writing(connection, file, before):
            case_copy._replace_changed_dates(connection, {MADE: f"select * from {MADE}"}, "true")
    with duckdb.connect(str(file), read_only=True) as copied:
        assert copied.execute(f"select source from {MADE}").fetchall() == [("log",)]
