"""Which columns a table's columns come from, and which tables its SQL reads: parsed from the SQL by sqlglot.

Column lineage takes tens of milliseconds a query, and every run's process loads the asset graph; so it is computed by
`make docs` into lineage.json, and a test holds the file current. Belongs here: that parsing and that file.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import dagster as dg
import sqlglot
from sqlglot import exp
from sqlglot.lineage import lineage
from sqlglot.optimizer.qualify import qualify

from opsla_dagster.catalog import TABLES
from opsla_dagster.warehouse.sql import load_sql, sql_path

LINEAGE_FILE = Path(__file__).with_name("lineage.json")

#: table -> column -> ["schema.table.column", ...]
Lineage = dict[str, dict[str, list[str]]]


def tables_read(sql: str) -> set[str]:
    """The warehouse tables a SELECT reads, as `schema.table`."""
    return {
        f"{table.db}.{table.name}" for table in sqlglot.parse_one(sql, dialect="duckdb").find_all(exp.Table) if table.db
    }


def column_lineage(table: str) -> dg.TableColumnLineage:
    """The stored lineage of `table` in Dagster's terms."""
    return dg.TableColumnLineage(
        deps_by_column={
            column: [dg.TableColumnDep(asset_key=dep.split(".")[:2], column_name=dep.split(".")[2]) for dep in deps]
            for column, deps in _stored().get(table, {}).items()
        }
    )


@cache
def _stored() -> Lineage:
    stored: Lineage = json.loads(LINEAGE_FILE.read_text(encoding="utf-8"))
    return stored


def compute_lineage() -> Lineage:
    """The lineage of every table that has a SQL file, from the SQL and the catalog."""
    schema = {name: {column.name: column.type for column in table.columns} for name, table in TABLES.items()}
    nested: dict[str, dict[str, dict[str, str]]] = {}
    for name, columns in schema.items():
        layer, table = name.split(".")
        nested.setdefault(layer, {})[table] = columns
    return {name: _lineage_of(name, nested) for name in sorted(TABLES) if sql_path(name).exists()}


def _lineage_of(table: str, schema: dict[str, dict[str, dict[str, str]]]) -> dict[str, list[str]]:
    qualified = qualify(sqlglot.parse_one(load_sql(sql_path(table)), dialect="duckdb"), schema=dict(schema), dialect="duckdb")
    found: dict[str, list[str]] = {}
    for column in TABLES[table].columns:
        node = lineage(column.name, qualified, schema=schema, dialect="duckdb")
        leaves = {
            f"{leaf.source.db}.{leaf.source.name}.{leaf.name.split('.')[-1]}"
            for leaf in node.walk()
            if isinstance(leaf.source, exp.Table) and leaf.source.db
        }
        found[column.name] = sorted(leaf.replace('"', "") for leaf in leaves)
    return found


def write_lineage() -> None:
    """Writes lineage.json anew (`make docs`)."""
    LINEAGE_FILE.write_text(json.dumps(compute_lineage(), indent=1) + "\n", encoding="utf-8")
