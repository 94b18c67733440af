"""Which tables and views a database holds.

Belongs here: the questions to DuckDB's catalog. Does not belong here: what their columns should be (schema_version.py).
"""

from __future__ import annotations

import duckdb

#: In DuckDB's catalog: what is of the database itself, and not of one that is attached to it.
HERE = "database_name = current_database() and not internal"


def relations(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    """(schema.name, table or view) of what exists in the database itself: what somebody has attached to it, as a copy that is being written, is none of it."""
    return connection.execute(
        f"select schema_name || '.' || table_name, 'table' from duckdb_tables() where {HERE} "
        f"union all select schema_name || '.' || view_name, 'view' from duckdb_views() where {HERE}"
    ).fetchall()


def is_there(connection: duckdb.DuckDBPyConnection, name: str) -> bool:
    """Whether there is a table or view of that name (schema.name), asked outside of a transaction: a tenth of what listing all of them takes.

    Within one, a name that is not there aborts it.
    """
    try:
        connection.execute(f"select 1 from {name} limit 0").fetchall()
    except duckdb.CatalogException:
        return False
    return True
