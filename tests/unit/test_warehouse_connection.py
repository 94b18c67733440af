"""Opening a warehouse: what a person is told when it cannot be opened."""

from __future__ import annotations

from pathlib import Path

import pytest

from opsla_dagster.errors import OpslaError
from opsla_dagster.warehouse.connection import open_duckdb


def test_a_memory_limit_that_is_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(OpslaError, match="OPSLA_MEMORY_LIMIT=plenty: DuckDB does not understand it"):
        open_duckdb(tmp_path / "any.duckdb", read_only=False, config={"memory_limit": "plenty"})


def test_a_file_of_something_else_is_named(tmp_path: Path) -> None:
    path = tmp_path / "letter.duckdb"
    path.write_text("Dear all, " * 1_000, encoding="utf-8")
    with pytest.raises(OpslaError, match=r"letter\.duckdb: cannot be opened: .*not a valid DuckDB database"):
        open_duckdb(path, read_only=False)
