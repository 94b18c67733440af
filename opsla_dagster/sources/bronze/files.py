"""Bronze files: opening one to read, and one loader at a time.

Belongs here: locks and read-only connections. Does not belong here: what is in the tables.
"""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from opsla_dagster.errors import OpslaError, PassingError

#: A loader holds the file only while it stores a slice.
_PATIENCE_SECONDS = 30.0


@contextmanager
def reading(account: str, path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A read-only connection. Raises OpslaError when the file cannot be opened, or stays locked."""
    connection = _open(account, path)
    try:
        connection.execute("set TimeZone = 'UTC'")
        yield connection
    except duckdb.Error as error:
        raise OpslaError(f"{path}: what was loaded of {account} cannot be read: {error}") from error
    finally:
        connection.close()


def _open(account: str, path: Path) -> duckdb.DuckDBPyConnection:
    until = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            return duckdb.connect(str(path), read_only=True)
        except duckdb.Error as error:
            if not _is_locked(error):
                raise OpslaError(f"{path}: what was loaded of {account} cannot be read: {error}") from error
            if time.monotonic() > until:
                raise PassingError(f"{path}: is being loaded by another process; run again when it is done") from error
        time.sleep(0.2)


def _is_locked(error: duckdb.Error) -> bool:
    return "lock" in str(error).lower() or "different configuration" in str(error).lower()


def has_table(connection: duckdb.DuckDBPyConnection, table: str, catalog: str | None = None) -> bool:
    """Whether `table` was ever landed."""
    found = connection.execute(
        "select 1 from information_schema.tables where table_schema = 'bronze' and table_name = $table "
        "and table_catalog = coalesce($catalog, table_catalog)",
        {"table": table, "catalog": catalog},
    ).fetchall()
    return bool(found)


@contextmanager
def loading_alone(account: str, path: Path) -> Iterator[None]:
    """Holds the account's lock. Raises OpslaError when another process loads it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = path.with_suffix(".lock").open("w")
    except OSError as error:
        raise OpslaError(f"{path.parent}: cannot be written: {error.strerror}") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise PassingError(f"{path}: another process is loading {account}; wait until it is done") from error
        yield
