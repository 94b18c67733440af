"""Dagster's SQLite storage with range runs written in batches (docs/decisions/0002-embedded-event-storage.md).

Belongs here: the two classes that `storage.custom` in dagster.yaml names. Does not belong here: the settings themselves
(settings.py) and opening an instance (instance.py).
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as db
from dagster import AssetKey, DagsterEventType, Field, StringSource
from dagster._config.config_schema import UserConfigSchema
from dagster._core.events.log import EventLogEntry
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable, SqlEventLogStorageTable
from dagster._core.storage.event_log.sqlite.sqlite_event_log import INDEX_SHARD_NAME, SqliteEventLogStorage
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage, _event_logs_directory
from dagster._serdes import ConfigurableClassData
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.pool import QueuePool

from opsla_dagster.instance.check_rows import ChecksByDate, planned_row
from opsla_dagster.instance.forgetting import (
    forget_dates,
    forget_log,
    forget_plans,
    forget_replaced,
    last_runs_of_assets,
    runs_with_plans,
    thin_log,
)
from opsla_dagster.instance.known_materializations import KnownMaterializations
from opsla_dagster.instance.known_schema import KnownSchema
from opsla_dagster.instance.permissions import keep_private

BATCHED_ASSET_EVENTS = frozenset(
    {
        DagsterEventType.ASSET_MATERIALIZATION,
        DagsterEventType.ASSET_OBSERVATION,
        DagsterEventType.ASSET_MATERIALIZATION_PLANNED,
    }
)
#: What a step says while it ends, within milliseconds: written together with the event that comes after.
HELD_EVENTS = frozenset({DagsterEventType.STEP_OUTPUT, DagsterEventType.ASSET_CHECK_EVALUATION})
#: Those with which held events are written as one; any other event has them written first, by themselves.
_CLOSING_EVENTS = frozenset({DagsterEventType.ASSET_MATERIALIZATION, DagsterEventType.STEP_SUCCESS, DagsterEventType.STEP_FAILURE})
BATCHED_EVENTS = BATCHED_ASSET_EVENTS | {DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED}

#: What a run tells last.
_RUN_ENDINGS = frozenset({DagsterEventType.RUN_SUCCESS, DagsterEventType.RUN_FAILURE, DagsterEventType.RUN_CANCELED})
_INDEXED_EVENTS = frozenset({DagsterEventType.ASSET_CHECK_EVALUATION, DagsterEventType.ASSET_MATERIALIZATION})

#: Compacting rewrites what stays, a second for every fifty megabytes: done where it gives back more than that, and not for a trifle.
_COMPACTED_FROM_BYTES = 4 * 2**20
#: Forgetting waits for a lock less long than what must be written.
_FORGETTING_WAITS_MILLISECONDS = 2_000

# The index and the runs written or looked at last; a webserver reads many runs and must not keep them all open.
KEPT_DATABASES = 8


def default_base_dir() -> Path:
    """Where runs and events are kept unless dagster.yaml says otherwise: `$OPSLA_HOME/dagster`, absolute."""
    from opsla_dagster.settings.home import Home  # with it come all settings, and what they are made of

    return Home.of().root / "dagster"


class BatchedSqliteEventLogStorage(ChecksByDate, KnownSchema, KnownMaterializations, SqliteEventLogStorage):
    """The stock SQLite event log with the same rows in the same files (of checks: check_rows.py), written with less ceremony.

    A batch of events is two transactions instead of two an event, and connections are kept: the stock storage opens
    and closes one for every event, and closing the last one makes SQLite write its whole log back each time.
    What a step yields while it ends (outputs, verdicts of checks) waits for its next event, and is one transaction with it.
    """

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        self._engines: OrderedDict[str, Engine] = OrderedDict()
        self._engines_of_process = os.getpid()
        self._held: dict[str, list[EventLogEntry]] = {}
        self._held_lock = threading.RLock()
        self._in_batch = threading.local()
        super().__init__(base_dir, inst_data)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        with self._db_lock:
            engine = self._engine(shard)
            if shard not in self._initialized_dbs:
                self._initdb(engine)
                self._initialized_dbs.add(shard)
            with engine.connect() as connection, connection.begin():
                before = _rows_changed(connection)
                yield connection
                has_changed = _rows_changed(connection) != before
            if has_changed and shard != INDEX_SHARD_NAME:
                # The UI's live log watches this file, and with a kept connection SQLite writes beside it.
                os.utime(self.path_for_shard(shard))

    def _engine(self, shard: str) -> Engine:
        if self._engines_of_process != os.getpid():  # SQLite connections must not be used across a fork
            self._let_go(close=False)
            self._held.clear()  # the parent's, who writes them
            self._engines_of_process = os.getpid()
        if shard not in self._engines:
            self._engines[shard] = db.create_engine(
                self.conn_string_for_shard(shard),
                poolclass=QueuePool,
                connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS, "check_same_thread": False},
            )
            db.event.listen(self._engines[shard], "connect", _sync_at_checkpoints)
        self._engines.move_to_end(shard)
        while len(self._engines) > KEPT_DATABASES:
            _, oldest = self._engines.popitem(last=False)
            oldest.dispose()
        return self._engines[shard]

    def _let_go(self, close: bool = True) -> None:
        for engine in self._engines.values():
            engine.dispose(close=close)
        self._engines.clear()

    def wipe(self) -> None:
        """Remove every run's file and all rows of the index."""
        with self._db_lock:
            self._let_go()
        self.forget_schema()
        super().wipe()

    def dispose(self) -> None:
        """Stop watching and close the kept connections; a later use opens them again."""
        for run_id in list(self._held):
            self._write_held(run_id)
        super().dispose()
        with self._db_lock:
            self._let_go()

    def run_connection(self, run_id: str | None = None) -> AbstractContextManager[Connection]:
        """A connection to the run's own file, in which is everything that was stored until now."""
        if run_id:
            self._write_held(run_id)
        return super().run_connection(run_id)  # type: ignore[no-any-return]

    def index_connection(self) -> AbstractContextManager[Connection]:
        """A connection to the index; within a batch, the batch's own."""
        shared = getattr(self._in_batch, "connection", None)
        return nullcontext(shared) if shared is not None else super().index_connection()

    def store_event(self, event: EventLogEntry) -> None:
        """Store the event, or hold it until the run's next one: what a kill of the process can take is what it said in the last milliseconds."""
        kind = event.dagster_event_type if event.is_dagster_event and event.run_id else None
        with self._held_lock:
            if kind in HELD_EVENTS and event.step_key:  # what is reported from outside a step has no end to wait for
                self._held.setdefault(event.run_id, []).append(event)
            elif kind in _CLOSING_EVENTS:
                self._write_held(event.run_id, [event])
            else:
                self._write_held(event.run_id)
                super().store_event(event)
                if kind in _RUN_ENDINGS:
                    self._sync(event.run_id)

    def _sync(self, run_id: str) -> None:
        """Has the disk hold what the run told: from its end on, a power cut takes nothing of it."""
        # SQLite's logs rather than a checkpoint: that leaves out what a reader may still need. Without a log the file was synced when the log went into it.
        files = [Path(f"{self.path_for_shard(shard)}-wal") for shard in (run_id, INDEX_SHARD_NAME)]
        for path in (*files, files[0].parent):
            with suppress(FileNotFoundError):
                _sync_file(path)

    def _write_held(self, run_id: str, closing: Sequence[EventLogEntry] = ()) -> None:
        """Writes the run's held events, then `closing`: all at once, and where that fails, one by one.

        A Ctrl-C in between leaves held what was held: it may be what a step of the other thread has told.
        """
        with self._held_lock:
            held = self._held.pop(run_id, [])
            events = [*held, *closing]
            if not events:
                return
            try:
                self._write_ending(run_id, events)
            except Exception:
                for event in events:
                    super().store_event(event)
            except BaseException:
                self._held[run_id] = held
                raise

    def _write_ending(self, run_id: str, events: Sequence[EventLogEntry]) -> None:
        self._write_both(run_id, events, self._index_ending)

    def _write_both(
        self, run_id: str, events: Sequence[EventLogEntry], index: Callable[[Sequence[EventLogEntry], Sequence[dict[str, Any]]], None]
    ) -> None:
        """All of them or none: the run's own file first, then what the catalog reads, by `index`, which is a transaction of its own.

        A kill between the two leaves the catalog untouched. An error in the second takes the first back, because the same events are
        then stored again, one at a time; so does a Ctrl-C.
        """
        rows = [self._event_to_row(event) for event in events]
        shard_ids = range(0)
        if run_id:  # what no run did has no log
            with self._connect(run_id) as connection:
                shard_ids = _insert_events(connection, rows)
        try:
            # After, never inside, the run's connection: both take the same lock, which is not re-entrant.
            index(events, rows)
        except BaseException:
            self._forget_events(run_id, shard_ids)
            raise

    def _index_ending(self, events: Sequence[EventLogEntry], rows: Sequence[dict[str, Any]]) -> None:
        """What the catalog reads of a step's end: verdicts of its checks, and a materialization."""
        told = [pair for pair in zip(events, rows, strict=True) if pair[0].dagster_event_type in _INDEXED_EVENTS]
        if not told:
            return
        with self.index_transaction() as connection:
            self._in_batch.connection = connection
            try:
                for id_, (event, _) in zip(_insert_events(connection, [row for _, row in told]), told, strict=True):
                    if _is_asset_event(event):
                        self._store_asset_event_tags(connection, [event], [id_])
                        self._store_asset_event(connection, event, id_)
                    else:
                        self.store_asset_check_event(event, id_)
            finally:
                self._in_batch.connection = None

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        """Store the events of one run, the catalog in one transaction: an asset has none or all of its partitions."""
        if not _is_batchable(events):
            super().store_event_batch(events)
            return
        run_id = events[0].run_id
        self._write_held(run_id)
        self._write_both(run_id, events, self._index_batch)

    def _index_batch(self, events: Sequence[EventLogEntry], rows: Sequence[dict[str, Any]]) -> None:
        with self.index_transaction() as connection:
            self._index_events(connection, events, rows)

    def _index_events(
        self, connection: Connection, events: Sequence[EventLogEntry], rows: Sequence[dict[str, Any]]
    ) -> None:
        ids = _insert_events(connection, rows)
        asset_events = [(id_, event) for id_, event in zip(ids, events, strict=True) if _is_asset_event(event)]
        if asset_events:
            self._store_asset_event_tags(
                connection, [event for _, event in asset_events], [id_ for id_, _ in asset_events]
            )
        for id_, event in last_of_each_asset_and_type(asset_events):
            self._store_asset_event(connection, event, id_)
        checks = [each for each in zip(ids, events, rows, strict=True) if not _is_asset_event(each[1])]
        if checks:
            tags = self.tags_of(checks[0][1])  # a batch is of one run
            planned_checks = [planned_row(event, id_, row, tags) for id_, event, row in checks]
            connection.execute(AssetCheckExecutionsTable.insert(), planned_checks)

    def _forget_events(self, run_id: str, ids: range) -> None:
        if not ids:
            return
        with self._connect(run_id) as connection:
            connection.execute(
                SqlEventLogStorageTable.delete().where(SqlEventLogStorageTable.c.id.between(ids[0], ids[-1]))
            )

    # ---- retention: when, and of which runs, is said in retention.py ------------------------------------------------

    @contextmanager
    def _forgetting(self, shard: str) -> Iterator[Connection]:
        with self._connect(shard) as connection:
            connection.execute(db.text(f"pragma busy_timeout = {_FORGETTING_WAITS_MILLISECONDS}"))
            try:
                yield connection
            finally:
                connection.execute(db.text(f"pragma busy_timeout = {SQLITE_BUSY_TIMEOUT_SECONDS * 1000}"))

    def forget_plans(self, succeeded: AbstractSet[str], failed: AbstractSet[str]) -> None:
        """Forgets what these ended runs had planned: Dagster plans each table once a date. Of those that succeeded, their log is thinned."""
        with self.index_connection() as connection:
            planned = runs_with_plans(connection)
        for run_id in planned & succeeded:  # before the index, which tells that it is still to do
            if Path(self.path_for_shard(run_id)).exists():
                with self._forgetting(run_id) as connection:
                    thin_log(connection)
                self._compact(run_id)
        with self._forgetting(INDEX_SHARD_NAME) as connection:
            forget_plans(connection, planned & succeeded, planned & failed)
        if planned:
            self._compact(INDEX_SHARD_NAME)

    def forget_replaced(self, kept_from: datetime) -> None:
        """Deletes from the index what is older than `kept_from` (UTC, naive) and was replaced since."""
        with self._forgetting(INDEX_SHARD_NAME) as connection:
            forget_replaced(connection, kept_from)
        self._compact(INDEX_SHARD_NAME)

    def wipe_asset_partitions(self, asset_key: AssetKey, partition_keys: Sequence[str]) -> None:
        """Forgets these dates of a table; Dagster's own storages cannot."""
        with self.index_transaction() as connection:
            forget_dates(connection, asset_key.to_string(), set(partition_keys))
        self.wipe_asset_cached_status(asset_key)

    def last_runs(self) -> set[str]:
        """The runs that the catalog names as the last of an asset."""
        with self.index_connection() as connection:
            return last_runs_of_assets(connection)

    def forget_run_log(self, run_id: str) -> None:
        """Deletes the run's own file: its log cannot be read any more; what it materialized stays known."""
        with self._db_lock:
            if run_id in self._engines:
                self._engines.pop(run_id).dispose()
            self._initialized_dbs.discard(run_id)
        for suffix in ("", "-wal", "-shm", "-journal"):
            Path(f"{self.path_for_shard(run_id)}{suffix}").unlink(missing_ok=True)
        with self._forgetting(INDEX_SHARD_NAME) as connection:
            forget_log(connection, run_id)

    def _compact(self, shard: str) -> None:
        """Gives the room of deleted rows back where it is much; what is little, or in use by somebody else, later rows fill again."""
        with self._db_lock, suppress(db.exc.OperationalError), self._engine(shard).connect() as connection:
            own = connection.execution_options(isolation_level="AUTOCOMMIT")
            pages, free, size = (own.execute(db.text(f"pragma {name}")).scalar_one() for name in ("page_count", "freelist_count", "page_size"))
            if free * size < _COMPACTED_FROM_BYTES or free < pages / 5:
                return
            own.execute(db.text("vacuum"))
            own.execute(db.text("pragma wal_checkpoint(truncate)"))  # vacuum writes the whole file into the log beside it


class BatchedSqliteStorage(DagsterSqliteStorage):
    """Dagster's SQLite storage (runs, events, schedules) over `BatchedSqliteEventLogStorage`.

    Config: `base_dir`, optional, where the files lie; `$OPSLA_HOME/dagster` when absent.
    """

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        super().__init__(base_dir, inst_data)
        self._event_log_storage = BatchedSqliteEventLogStorage(_event_logs_directory(base_dir))

    @classmethod
    def config_type(cls) -> UserConfigSchema:
        return {"base_dir": Field(StringSource, is_required=False)}

    # Dagster's own `from_config_value` names its class outright and would build the stock storage.
    @classmethod
    def from_config_value(  # type: ignore[override]
        cls, inst_data: ConfigurableClassData, config_value: Mapping[str, str]
    ) -> BatchedSqliteStorage:
        base_dir = Path(config_value.get("base_dir") or default_base_dir())
        keep_private(base_dir.parent)  # `dagster dev` alone comes by here first
        return cls.from_local(str(base_dir), inst_data)


def _sync_at_checkpoints(connection: Any, record: object) -> None:
    """No commit waits for the disk: a thousand a run, of 0.03 ms instead of the 1 to 10 that a disk takes. No kill of a process loses one, a power cut may."""
    connection.execute("pragma synchronous = normal")


def _sync_file(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _is_batchable(events: Sequence[EventLogEntry]) -> bool:
    return len({event.run_id for event in events}) == 1 and all(
        event.is_dagster_event and event.dagster_event_type in BATCHED_EVENTS for event in events
    )


def _is_asset_event(event: EventLogEntry) -> bool:
    return event.dagster_event_type in BATCHED_ASSET_EVENTS


def _rows_changed(connection: Connection) -> int:
    """How many rows this connection has ever changed."""
    changed: int = connection.connection.driver_connection.total_changes  # type: ignore[union-attr]
    return changed


def _insert_events(connection: Connection, rows: Sequence[dict[str, Any]]) -> range:
    """Insert the rows and return their ids: the transaction is the only writer, so they are the last ones given out."""
    connection.execute(SqlEventLogStorageTable.insert(), rows)
    last_id = connection.execute(db.text("select last_insert_rowid()")).scalar_one()
    return range(last_id - len(rows) + 1, last_id + 1)


def last_of_each_asset_and_type(
    asset_events: Sequence[tuple[int, EventLogEntry]],
) -> list[tuple[int, EventLogEntry]]:
    """What an asset's row is made of: its last event of each type. Assets in the order in which they first appear."""
    last: dict[AssetKey | None, dict[DagsterEventType | None, tuple[int, EventLogEntry]]] = {}
    for id_, event in asset_events:
        of_asset = last.setdefault(event.get_dagster_event().asset_key, {})
        of_asset.pop(event.dagster_event_type, None)  # to the end: a later event overwrites what others said
        of_asset[event.dagster_event_type] = (id_, event)
    return [item for of_asset in last.values() for item in of_asset.values()]
