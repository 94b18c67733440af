"""`opsla export`: what a file is called. What is in one: tests/integration/test_cli.py and test_safe_output.py."""

from __future__ import annotations

from pathlib import Path

import duckdb

from opsla_dagster.catalog import TABLES
from opsla_dagster.reporting.export import export_tables
from opsla_dagster.settings.home import Home
from opsla_dagster.warehouse.schema_version import upgrade
from opsla_dagster.warehouse.write import ensure_table


def test_a_file_is_called_alike_whatever_else_is_written(tmp_path: Path) -> None:
    home = Home(tmp_path)
    for path in (home.marts_database, home.warehouse):
        with duckdb.connect(str(path)) as connection:
            for name in ("mart.sla_daily", "mart.agent_activity", "staging.sla_clocks"):
                connection.execute(f"create schema if not exists {name.split('.')[0]}")
                ensure_table(connection, TABLES[name])
            connection.execute("create schema ops")
            upgrade(connection, path)

    def written(*tables: str) -> list[str]:
        return [path.name for path, _ in export_tables(home, list(tables), "csv", tmp_path / "out")]

    assert written("mart.sla_daily") == ["sla_daily.csv"]
    assert written("mart.agent_activity") == ["agent_activity.csv"], "which is not published"
    assert written("mart.sla_daily", "staging.sla_clocks") == ["sla_daily.csv", "staging.sla_clocks.csv"]
