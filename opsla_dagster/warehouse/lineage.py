"""Which columns a table's columns come from, and which tables its SQL reads: parsed from the SQL by sqlglot.

Parsing takes tens of milliseconds a query, and every run's process loads the asset graph; so what is parsed is kept by `make docs`
in lineage.json and reads.json, and a test holds them current. Belongs here: that parsing and those files.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

from opsla_dagster import shipped
from opsla_dagster.catalog import TABLES
from opsla_dagster.warehouse.sql import load_sql, sql_path, sql_version

if TYPE_CHECKING:  # functions that need them import them: whoever only asks what a file reads does without either
    import dagster as dg
    from sqlglot.lineage import Node

LINEAGE_FILE = Path(__file__).with_name("lineage.json")
READS_FILE = Path(__file__).with_name("reads.json")

#: table -> column -> ["schema.table.column", ...]
Lineage = dict[str, dict[str, list[str]]]


class Reads(TypedDict):
    """What a SQL file reads, and the version of the text that was parsed."""

    version: str
    reads: list[str]


def tables_read(sql: str) -> set[str]:
    """The warehouse tables a SELECT reads, as `schema.table`."""
    return set(_tables_read(sql))


@cache
def _tables_read(sql: str) -> frozenset[str]:
    import sqlglot
    from sqlglot import exp

    return frozenset(
        f"{table.db}.{table.name}" for table in sqlglot.parse_one(sql, dialect="duckdb").find_all(exp.Table) if table.db
    )


def tables_read_by(path: Path) -> set[str]:
    """The warehouse tables that the SELECT in a file of sql/ reads: as it was parsed last, anew where its text has changed since."""
    stored = _stored_reads().get(str(path.relative_to(shipped.SQL)))
    if stored is not None and stored["version"] == sql_version(path):
        return set(stored["reads"])
    return tables_read(load_sql(path))


@cache
def _stored_reads() -> dict[str, Reads]:
    stored: dict[str, Reads] = json.loads(READS_FILE.read_text(encoding="utf-8"))
    return stored


def reads_json() -> str:
    """The content of reads.json: one line a SQL file, with the version of its text."""
    files = sorted(shipped.SQL.rglob("*.sql"))
    entries = {
        str(path.relative_to(shipped.SQL)): Reads(version=sql_version(path), reads=sorted(tables_read(load_sql(path)))) for path in files
    }
    return "{\n" + ",\n".join(f"{json.dumps(name)}: {json.dumps(entry)}" for name, entry in entries.items()) + "\n}\n"


def column_lineage(table: str) -> dg.TableColumnLineage:
    """The stored lineage of `table` in Dagster's terms."""
    import dagster as dg

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
    return {
        name: lineage_of(load_sql(sql_path(name)), [column.name for column in TABLES[name].columns])
        for name in sorted(TABLES)
        if sql_path(name).exists()
    }


def lineage_of(sql: str, columns: Iterable[str]) -> dict[str, list[str]]:
    """The catalog's columns whose values, or whose conditions in a `case` or `filter`, make each of the SELECT's `columns`.

    Which rows are read (`where`, joins, `group by`) is no part of it; so neither a constant nor `count(*)` has columns
    behind it. Raises KeyError when the SELECT has no such column.
    """
    from sqlglot.lineage import lineage

    nodes = lineage(None, sql, schema=_schema(), dialect="duckdb", trim_selects=False)
    return {column: sorted(_leaves(nodes[column])) for column in columns}


@cache
def _schema() -> dict[str, dict[str, dict[str, str]]]:
    """The catalog as sqlglot wants it: schema -> table -> column -> type."""
    schema: dict[str, dict[str, dict[str, str]]] = {}
    for table in TABLES.values():
        layer, name = table.name.split(".")
        schema.setdefault(layer, {})[name] = {column.name: column.type for column in table.columns}
    return schema


def _leaves(root: Node) -> set[str]:
    """The warehouse's columns below `root`. Nodes are shared, so each is looked at once: their paths are too many."""
    from sqlglot import exp

    found, seen, waiting = set(), {id(root)}, [root]
    while waiting:
        node = waiting.pop()
        if isinstance(node.source, exp.Table) and node.source.db:
            column = exp.to_column(node.name).name
            found.add(f"{node.source.db}.{node.source.name}.{column}")
        fresh = [below for below in node.downstream if id(below) not in seen]
        seen.update(id(below) for below in fresh)
        waiting += fresh
    return found


def lineage_json() -> str:
    """The content of lineage.json: one line a column, so that a change reads well."""
    tables = [
        f"{json.dumps(table)}: {{\n" + ",\n".join(f"  {json.dumps(name)}: {json.dumps(deps)}" for name, deps in columns.items())
        for table, columns in compute_lineage().items()
    ]
    return "{\n" + "\n},\n".join(tables) + "\n}\n}\n"


def main() -> None:
    """Writes both files anew (`make docs`)."""
    LINEAGE_FILE.write_text(lineage_json(), encoding="utf-8")
    READS_FILE.write_text(reads_json(), encoding="utf-8")


if __name__ == "__main__":
    main()
