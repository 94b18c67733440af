"""A file of links, one row a link from a case to another one: its records judged, and those that are used written.

Belongs here: what becomes of a record of the form `links`. Does not belong here: reading cells (mapping.py), and which of the cases are there (links_beside.py).
Rules: docs/decisions/0048-links-between-cases.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import duckdb

from opsla_dagster.sources.event_log.reading.tables import Loaded
from opsla_dagster.warehouse.sql import literal


def judge_links(connection: duckdb.DuckDBPyConnection) -> None:
    """Table `judged` of `numbered`: nothing of a link shows only beside other rows."""
    connection.execute("create table judged as select *, false as is_superseded from numbered")
    connection.execute("drop table numbered")


def write_links(connection: duckdb.DuckDBPyConnection, loaded: Sequence[Loaded], path: Path) -> None:
    """One row a used record: case_id, linked_id, link_kind, source_kind, linked_ts, unlinked_ts, its file and row, and the record itself as JSON."""
    links = " union all ".join(_links_of(number, item) for number, item in enumerate(loaded))
    connection.execute(f"copy ({links} order by case_id, linked_id, file_number, row_number) to {literal(str(path))} (format parquet, compression zstd)")


def _links_of(number: int, loaded: Loaded) -> str:
    record = ", ".join(f"{literal(column.name)}, raw_{number}.{column.sql}" for column in loaded.columns)
    return f"""
        select
            judged.case_id, judged.linked_id, judged.link_kind, judged.source_kind, coalesce(judged.event_ts, judged.ingestion_ts) as linked_ts,
            judged.unlinked_ts, judged.file_number, {literal(loaded.file.name)} as file, judged.row_number,
            cast(json_object({record}) as varchar) as record
        from judged
        inner join raw_{number} on raw_{number}.rowid + {loaded.first_row} = judged.row_number
        where judged.file_number = {number} and judged.fault is null and not judged.is_ignored
    """
