"""Opening the warehouse file: one writer, a clear message for the second, always closed.

Belongs here: the Dagster resource and the read-only door. Does not belong here: any statement about a table.
"""

from __future__ import annotations

import logging
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
from dagster import InitResourceContext
from dagster_duckdb import DuckDBResource
from pydantic import PrivateAttr

from opsla_dagster.errors import OpslaError
from opsla_dagster.warehouse.relations import relations
from opsla_dagster.warehouse.schema_version import Upgrade, needed_upgrade, refuse_newer, require_current, upgrade

SCHEMAS = ("raw", "staging", "mart", "ops")
#: A run of the daemon may be about to finish; a person should not wait much longer than this for a clear message.
LOCK_PATIENCE_SECONDS = 10.0
#: Nobody watches a run of the schedule, the UI or a backfill: it waits for the warehouse until the next night is near.
UNATTENDED_PATIENCE_SECONDS = 12 * 3600.0
#: How often a long wait is told again.
_TELL_AGAIN_SECONDS = 1800.0
#: A wait that nobody notices needs no word.
_UNNOTICED_SECONDS = 1.0
_LOCK_HOLDER = re.compile(r"\(PID (\d+)\)")
_log = logging.getLogger(__name__)


def open_duckdb(
    path: Path,
    *,
    read_only: bool,
    config: dict[str, str] | None = None,
    patience_seconds: float = LOCK_PATIENCE_SECONDS,
    tell: Callable[[str], object] | None = None,
) -> duckdb.DuckDBPyConnection:
    """A connection to the DuckDB file at `path`; a wait for another process is told to `tell` (default: this module's logger, as a warning).

    Raises OpslaError when another process keeps it locked, and when it is not a readable (writable) DuckDB file.
    """
    began_at = time.monotonic()
    told_at = began_at if patience_seconds <= _UNNOTICED_SECONDS else None
    while True:
        try:
            return duckdb.connect(str(path), read_only=read_only, config=dict(config or {}))
        except duckdb.IOException as error:
            if "lock" not in str(error).lower():
                raise OpslaError(f"{path}: cannot be opened: {_first_line(error)}") from error
            waited = time.monotonic() - began_at
            if waited >= patience_seconds:
                raise OpslaError(
                    f"{path}: {_holder(error)} is working on this warehouse, and DuckDB takes one writer at a time. "
                    "Wait for it to finish and try again; read the published marts meanwhile (opsla status names them)."
                ) from error
            if told_at is None or time.monotonic() - told_at >= _TELL_AGAIN_SECONDS:
                (tell or _log.warning)(
                    f"opsla: waiting for {_holder(error)}, which works on this warehouse, for {_duration(patience_seconds)} at most"
                )
                told_at = time.monotonic()
            time.sleep(0.2 if waited < LOCK_PATIENCE_SECONDS else 2.0)
        except duckdb.Error as error:
            raise OpslaError(f"{path}: is not a usable DuckDB warehouse: {_first_line(error)}") from error


def _duration(seconds: float) -> str:
    return f"{seconds:.3g} seconds" if seconds < 120 else f"{seconds / 60:.0f} minutes" if seconds < 7200 else f"{seconds / 3600:.1f} hours"


def require_writable(path: Path, *, patience_seconds: float = LOCK_PATIENCE_SECONDS) -> None:
    """Raises OpslaError when the file at `path` is locked or cannot be written: better said before a run than by its failure."""
    if not os.access(path.parent, os.W_OK):
        raise OpslaError(f"{path.parent}: cannot be written, and DuckDB keeps its log beside {path.name}; make the directory writable")
    open_duckdb(path, read_only=False, patience_seconds=patience_seconds).close()


def _holder(error: duckdb.IOException) -> str:
    """Who holds the lock, as DuckDB tells it."""
    found = _LOCK_HOLDER.search(str(error))
    return f"process {found.group(1)}" if found else "another process"


@contextmanager
def with_memory(connection: duckdb.DuckDBPyConnection, meanwhile: str, afterwards: str) -> Iterator[None]:
    """The connection's memory, in DuckDB's words, is bounded otherwise for a time."""
    connection.execute(f"set memory_limit = '{meanwhile}'")
    try:
        yield
    finally:
        connection.execute(f"set memory_limit = '{afterwards}'")


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]


class Warehouse(DuckDBResource):
    """The warehouse of one run: dagster-duckdb's resource, with one connection kept for the whole run.

    It mends three things of the base class: it opens once a run instead of once an asset (each close is a checkpoint),
    it waits for a lock as long as it is told to and says so in the run's log, and it closes whatever happens.
    """

    patience_seconds: float = UNATTENDED_PATIENCE_SECONDS
    _tell: Callable[[str], object] | None = PrivateAttr(default=None)
    _connection: duckdb.DuckDBPyConnection | None = PrivateAttr(default=None)
    _refusal: OpslaError | None = PrivateAttr(default=None)

    def setup_for_execution(self, context: InitResourceContext) -> None:
        self._connection = None
        self._refusal = None
        self._tell = context.log.warning if context.log is not None else None

    def teardown_after_execution(self, context: InitResourceContext) -> None:
        self.close()

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    @property
    def is_open(self) -> bool:
        """Whether the run has a connection already."""
        return self._connection is not None

    def connection(self) -> duckdb.DuckDBPyConnection:
        """The run's read-write connection, opened at first use with the schemas in place.

        Raises OpslaError when it cannot be opened; a lock is waited for once a run, not once an asset.
        """
        if self._refusal is not None:
            raise self._refusal
        if self._connection is None:
            try:
                self._connection = open_duckdb(
                    Path(self.database), read_only=False, config=self.connection_config, patience_seconds=self.patience_seconds, tell=self._tell
                )
            except OpslaError as refusal:
                self._refusal = refusal
                raise
            self._make_ready(self._connection)
        return self._connection

    def _make_ready(self, connection: duckdb.DuckDBPyConnection) -> None:
        """The schemas are there, and tables of an earlier opsla are as today's catalog has them."""
        for schema in SCHEMAS:
            connection.execute(f"create schema if not exists {schema}")
        try:
            done = upgrade(connection, Path(self.database))
        except OpslaError as refusal:
            self.close()
            self._refusal = refusal
            raise
        if done is not None:
            _log.warning("opsla: %s upgraded from opsla %s; changed: %s", self.database, done.opsla_version, ", ".join(done.tables))

    @contextmanager
    def get_connection(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """dagster-duckdb's way in, on the run's own connection."""
        yield self.connection()


def table_names(connection: duckdb.DuckDBPyConnection) -> set[str]:
    """The tables (not views) that exist, as schema.table."""
    return {name for name, kind in relations(connection) if kind == "table"}


def pending_upgrade(path: Path) -> Upgrade | None:
    """What the next run will do to the schema of the warehouse at `path`; None where there is none, or it is today's."""
    if not path.exists():
        return None
    with reading(path, older_too=True) as connection:
        return needed_upgrade(connection)


def relation_names(connection: duckdb.DuckDBPyConnection) -> set[str]:
    """The tables and views that exist, as schema.name."""
    return {name for name, _ in relations(connection)}


@contextmanager
def reading(
    path: Path, *, patience_seconds: float = LOCK_PATIENCE_SECONDS, older_too: bool = False
) -> Iterator[duckdb.DuckDBPyConnection]:
    """A read-only connection to an existing DuckDB file of this opsla; `older_too`: or of an earlier one, for who upgrades it."""
    if not path.exists():
        raise OpslaError(f"{path}: there is no warehouse here yet; `opsla run` makes one (OPSLA_HOME names another home)")
    connection = open_duckdb(path, read_only=True, patience_seconds=patience_seconds)
    try:
        (refuse_newer if older_too else require_current)(connection, path)
        yield connection
    finally:
        connection.close()
