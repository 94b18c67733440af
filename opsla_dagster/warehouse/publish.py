"""Publishing: a read-only copy of the marts, and of the cases behind them, that readers can open at any time.

DuckDB locks a file as a whole, so nobody can read the warehouse while a run writes it. Belongs here: making the copy of the marts and
putting both in place. Does not belong here: when (assets/operations.py), and what the copy of the cases holds (case_copy.py).
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import duckdb

from opsla_dagster.settings.home import Home
from opsla_dagster.warehouse.case_copy import PUBLICATION_TABLE, copied_cases, forget_other_copies, record_cases
from opsla_dagster.warehouse.changed_dates import forget_unpublished
from opsla_dagster.warehouse.exhaustion import disk_error, is_of_the_disk
from opsla_dagster.warehouse.schema_version import VERSION_TABLE
from opsla_dagster.warehouse.sql import literal
from opsla_dagster.warehouse.write import all_or_nothing


def publish(connection: duckdb.DuckDBPyConnection, home: Home, tables: list[str]) -> dict[str, int]:
    """Copies `tables` to marts.duckdb and marts/*.parquet of the home, and the cases to files of cases/; returns the rows of each table.

    Everything is written aside and then renamed, file by file. Who opens a file sees it as it was or as it is. (Who opens a
    Parquet file twice to read it, as pyarrow's datasets do, may meet both: marts.duckdb is opened once.) Raises OpslaError,
    leaving what was published before, when the copy cannot be written.
    """
    aside = home.root / "marts.publishing"
    try:
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir(parents=True)
        publication = uuid4().hex
        with copied_cases(connection, home) as cases:
            rows = _copy(connection, aside, tables, publication, cases)
        _put_in_place(aside, home)
        forget_unpublished(connection)
        forget_other_copies(home, cases)
        shutil.rmtree(home.marts / "parts", ignore_errors=True)  # of an opsla that had more files
    except (duckdb.Error, OSError) as error:
        if isinstance(error, duckdb.Error) and not is_of_the_disk(error):
            raise
        raise disk_error(
            f"{home.root}: the marts could not be published, those published before stand: {' '.join(str(error).split())}"
        ) from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return rows


def _copy(connection: duckdb.DuckDBPyConnection, aside: Path, tables: list[str], publication: str, cases: Sequence[Path]) -> dict[str, int]:
    database = aside / "marts.duckdb"
    rows = {}
    connection.execute(f"attach {literal(str(database))} as published")
    try:
        with all_or_nothing(connection):  # a commit a table takes twice as long
            for schema in sorted({"ops", *(table.split(".")[0] for table in tables)}):
                connection.execute(f"create schema published.{schema}")
            # Who reads the copy with another opsla is told so.
            connection.execute(f"create table published.{VERSION_TABLE} as select * from {VERSION_TABLE}")
            connection.execute(
                f"create table published.{PUBLICATION_TABLE} as select cast($publication as varchar) as publication, cast($now as timestamp) as published_at",
                {"publication": publication, "now": datetime.now(UTC).replace(tzinfo=None, microsecond=0)},
            )
            record_cases(connection, "published", cases)
            for table in tables:
                written = connection.execute(f"create table published.{table} as select * from {table}").fetchone()
                rows[table] = int(written[0]) if written else 0
        for table in tables:
            parquet = aside / f"{table.split('.')[1]}.parquet"
            connection.execute(f"copy published.{table} to {literal(str(parquet))} (format parquet)")
    finally:
        connection.execute("detach published")
    return rows


def _put_in_place(aside: Path, home: Home) -> None:
    home.marts.mkdir(parents=True, exist_ok=True)
    published = sorted(aside.glob("*.parquet"))
    for parquet in published:
        parquet.replace(home.marts / parquet.name)
    for parquet in set(home.marts.glob("*.parquet")) - {home.marts / each.name for each in published}:
        parquet.unlink()  # a mart that is no longer made
    (aside / "marts.duckdb").replace(home.marts_database)
