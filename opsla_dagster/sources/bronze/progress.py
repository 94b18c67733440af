"""How far each resource of an account has come.

Belongs here: reading it. Does not belong here: moving it on; that is landing.py.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from opsla_dagster.sources.bronze.files import has_table, reading

#: A row counts only where its package is complete.
_LATEST = """
    select resource, cursor, known_until, is_complete
    from bronze.progress
    inner join bronze._dlt_loads as loads on progress._dlt_load_id = loads.load_id and loads.status = 0
    qualify row_number() over (partition by resource order by cast(load_id as double) desc, known_until desc) = 1
"""


@dataclass(frozen=True)
class Progress:
    """How far a resource has come: everything up to `known_until` is stored; `cursor` is where to go on."""

    resource: str
    cursor: str | None
    known_until: datetime | None
    #: It has come to the end of the backfill, some time.
    is_complete: bool


def read_progress(account: str, path: Path) -> dict[str, Progress]:
    """Resource -> how far it has come. Raises OpslaError for a file that cannot be read."""
    if not path.exists():
        return {}
    with reading(account, path) as connection:
        return progress_in(connection)


def progress_in(connection: duckdb.DuckDBPyConnection) -> dict[str, Progress]:
    """As `read_progress`, of an open bronze file."""
    if not has_table(connection, "progress"):
        return {}
    return {
        resource: Progress(resource, None if cursor is None else json.loads(cursor), known_until, is_complete)
        for resource, cursor, known_until, is_complete in connection.execute(_LATEST).fetchall()
    }
