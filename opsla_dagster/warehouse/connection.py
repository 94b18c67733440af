"""Opening the warehouse file: one writer, a clear message for the second, always closed.

Belongs here: the Dagster resource and the read-only door. Does not belong here: any statement about a table.
"""

from __future__ import annotations

import logging
import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import duckdb
from dagster import InitResourceContext
from dagster_duckdb import DuckDBResource
from pydantic import PrivateAttr

from opsla_dagster.errors import OpslaError
from opsla_dagster.warehouse.bookkeeping import create_bookkeeping
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
    pause: Callable[[float], object] = time.sleep,
) -> duckdb.DuckDBPyConnection:
    """A connection to the DuckDB file at `path`; a wait for another process is told to `tell` (default: this module's logger, as a warning).
    `pause` waits for some seconds, and raises where the wait is not to go on.

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
            pause(0.2 if waited < LOCK_PATIENCE_SECONDS else 2.0)
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


@contextmanager
def on_one_thread(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Statements of the connection's DuckDB are worked on by one thread for a time: of a plan's parts, one at a time then holds memory."""
    threads = connection.execute("select current_setting('threads')").fetchall()[0][0]
    connection.execute("set threads = 1")
    try:
        yield
    finally:
        connection.execute(f"set threads = {threads}")


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]


class Warehouse(DuckDBResource):
    """The warehouse of one run: dagster-duckdb's resource, with one opening of the file for the whole run.

    It mends three things of the base class: it opens once a run instead of once an asset (each close is a checkpoint),
    it waits for a lock as long as it is told to and says so in the run's log, and it closes whatever happens.

    Two threads may be `at_work` at a time, each on a connection of its own; what needs all memory, or nobody beside it, is done `alone`.
    """

    patience_seconds: float = UNATTENDED_PATIENCE_SECONDS
    _tell: Callable[[str], object] | None = PrivateAttr(default=None)
    _refusal: OpslaError | None = PrivateAttr(default=None)
    #: The first one opened the file; the others are its cursors.
    _connections: dict[int, duckdb.DuckDBPyConnection] = PrivateAttr(default_factory=dict)
    _opening: threading.RLock = PrivateAttr(default_factory=threading.RLock)
    #: Guards what follows; notified when a thread leaves.
    _changed: threading.Condition = PrivateAttr(default_factory=threading.Condition)
    #: The threads at work, and whether another one was so meanwhile.
    _at_work: dict[int, bool] = PrivateAttr(default_factory=dict)
    #: Those that wait until they are alone; they go on with the connection that they have.
    _waiting_to_be_alone: set[int] = PrivateAttr(default_factory=set)
    _alone: int | None = PrivateAttr(default=None)
    _is_to_close: bool = PrivateAttr(default=False)
    #: Set once the run is being stopped: nobody waits any more, and nothing is opened.
    _is_interrupted: threading.Event = PrivateAttr(default_factory=threading.Event)

    def setup_for_execution(self, context: InitResourceContext) -> None:
        self._connections = {}
        self._refusal = None
        self._is_interrupted.clear()
        self._tell = context.log.warning if context.log is not None else None

    def teardown_after_execution(self, context: InitResourceContext) -> None:
        self.close()

    def close(self) -> None:
        """Closes every connection: nobody is at work."""
        with self._opening:
            while self._connections:
                self._connections.popitem()[1].close()

    @property
    def is_open(self) -> bool:
        """Whether the run has a connection already."""
        return bool(self._connections)

    def connection(self) -> duckdb.DuckDBPyConnection:
        """This thread's read-write connection, the file opened at first use with the schemas in place.

        Raises OpslaError when it cannot be opened; a lock is waited for once a run, not once an asset.
        """
        thread = threading.get_ident()
        with self._opening:
            self._refuse_interrupted()
            if self._refusal is not None:
                raise self._refusal
            if thread not in self._connections:
                first = next(iter(self._connections.values()), None)
                self._connections[thread] = first.cursor() if first is not None else self._opened()
            return self._connections[thread]

    def _opened(self) -> duckdb.DuckDBPyConnection:
        """The file's first connection; tables of an earlier opsla are as today's catalog has them."""
        try:
            connection = open_duckdb(
                Path(self.database), read_only=False, config=self.connection_config, patience_seconds=self.patience_seconds,
                tell=self._tell, pause=self._pause,
            )  # fmt: skip
        except OpslaError as refusal:
            self._refusal = refusal
            raise
        try:
            for schema in SCHEMAS:
                connection.execute(f"create schema if not exists {schema}")
            done = upgrade(connection, Path(self.database))
            create_bookkeeping(connection)
        except OpslaError as refusal:
            connection.close()
            self._refusal = refusal
            raise
        if done is not None:
            _log.warning("opsla: %s upgraded from opsla %s; changed: %s", self.database, done.opsla_version, ", ".join(done.tables))
        return connection

    @contextmanager
    def get_connection(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """dagster-duckdb's way in, on the run's own connection."""
        yield self.connection()

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """This thread uses its connection meanwhile; waits while another one is alone, or has asked for the file to be opened anew."""
        thread = threading.get_ident()
        try:
            with self._changed:
                self._wait_for(lambda: self._alone is None and not self._is_to_close)
                self._at_work = {**dict.fromkeys(self._at_work, True), thread: bool(self._at_work)}
            yield
        finally:  # whatever has been taken by then: a Ctrl-C comes anywhere
            with self._changed:
                self._at_work.pop(thread, None)
                if self._is_to_close and not self._is_needed:
                    self._is_to_close = False
                    self.close()
                self._changed.notify_all()

    @property
    def had_company(self) -> bool:
        """Whether another thread has been at work since this one is."""
        with self._changed:
            return self._at_work.get(threading.get_ident(), False)

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Within `at_work`, between two transactions: waits for the others to leave, and lets none in meanwhile."""
        thread = threading.get_ident()
        try:
            with self._changed:
                self._at_work.pop(thread, None)
                self._waiting_to_be_alone.add(thread)
                self._changed.notify_all()
                self._wait_for(lambda: self._alone is None and not self._at_work)
                self._alone = thread
                self._at_work[thread] = False
            yield
        finally:
            with self._changed:
                self._waiting_to_be_alone.discard(thread)
                if self._alone == thread:
                    self._alone = None
                self._changed.notify_all()

    def close_when_free(self) -> None:
        """Closes the file as soon as nobody is at work: others may have it while this run waits, and a DuckDB that failed has to be opened anew."""
        with self._changed:
            self._is_to_close = self._is_needed
            if not self._is_to_close:
                self.close()

    @property
    def _is_needed(self) -> bool:
        return bool(self._at_work or self._waiting_to_be_alone)

    def interrupt(self) -> None:
        """Stops the statements that are being executed, and every wait, in whichever thread: the run ends. Until then nothing is opened."""
        self._is_interrupted.set()
        with self._changed:
            self._changed.notify_all()
        for connection in list(self._connections.values()):
            with suppress(duckdb.Error):  # closed meanwhile
                connection.interrupt()

    def _wait_for(self, is_free: Callable[[], bool]) -> None:
        self._changed.wait_for(lambda: self._is_interrupted.is_set() or is_free())
        self._refuse_interrupted()

    def _pause(self, seconds: float) -> None:
        self._is_interrupted.wait(seconds)
        self._refuse_interrupted()

    def _refuse_interrupted(self) -> None:
        if self._is_interrupted.is_set():
            raise OpslaError("the run was interrupted")


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
