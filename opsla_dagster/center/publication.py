"""What the pages read: the published marts and the cases that were published with them, one generation at a time.

A publication replaces marts.duckdb by renaming; an open one stays readable. A page reads one generation from its first query to its last, and
the next request takes the newest one. Belongs here: opening, sharing and closing. Does not belong here: any query of a page.
"""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import duckdb

from opsla_dagster.errors import OpslaError
from opsla_dagster.settings import Settings, load_settings
from opsla_dagster.settings.home import Home
from opsla_dagster.warehouse.case_copy import EVENT_COPIES, PUBLICATION_TABLE, cases_of, quoted
from opsla_dagster.warehouse.schema_version import require_current

#: DuckDB's own bound for everything that the pages of a generation compute at the same time.
MEMORY_LIMIT, THREADS = "768MB", 2
#: How often a publication that is replaced while it is being opened is tried again.
_OPENINGS = 5
#: Explain asks for the copies of each event; published are only those that there are several of.
_EVENTS_DEDUPED = f"""
    create view staging.events_deduped as
    select events.intake_date, events.case_id, events.event_id, coalesce(told.copies, 1) as copies
    from staging.events_clean as events
    left join {EVENT_COPIES} as told using (intake_date, case_id, event_id)
"""


class NothingPublishedError(OpslaError):
    """There is nothing to show yet."""


@dataclass
class Publication:
    """One generation: its connection, whose schemas have the published tables as views, and the settings of when it was opened."""

    generation: str
    published_at: datetime
    connection: duckdb.DuckDBPyConnection
    relations: frozenset[str]
    settings: Settings
    readers: int = 0
    is_replaced: bool = False
    #: What is the same for every page of the generation, by name.
    _known: dict[str, Any] = field(default_factory=dict)

    def once(self, name: str, make: Callable[[], Any]) -> Any:
        """What `make` gives, asked for once a generation."""
        if name not in self._known:
            self._known[name] = make()
        return self._known[name]

    def close(self) -> None:
        self.connection.close()


@dataclass
class Publications:
    """The newest generation of a home, shared by all requests."""

    home: Home
    settings: Settings
    reads_settings_anew: bool = True
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _current: Publication | None = None
    _identity: tuple[int, int, int] | None = None

    @contextmanager
    def newest(self) -> Iterator[Publication]:
        """The newest generation, kept open as long as it is read. Raises NothingPublishedError before there is one."""
        with self._lock:
            publication = self._refreshed()
            publication.readers += 1
        try:
            yield publication
        finally:
            with self._lock:
                publication.readers -= 1
                if publication.is_replaced and publication.readers == 0:
                    publication.close()

    def _refreshed(self) -> Publication:
        identity = self._identity_on_disk()
        if self._current is not None and identity == self._identity:
            return self._current
        fresh, identity = self._opened()
        old, self._current, self._identity = self._current, fresh, identity
        if old is not None:
            old.is_replaced = True
            if old.readers == 0:
                old.close()
        return fresh

    def _identity_on_disk(self) -> tuple[int, int, int]:
        try:
            status = self.home.marts_database.stat()
        except OSError as error:
            raise NothingPublishedError(f"{self.home.root}: nothing is published here yet; `opsla run` publishes the marts") from error
        return status.st_ino, status.st_mtime_ns, status.st_size

    def _opened(self) -> tuple[Publication, tuple[int, int, int]]:
        problem: Exception | None = None
        for _ in range(_OPENINGS):
            identity = self._identity_on_disk()
            try:
                return open_publication(self.home, self._settings_now()), identity
            except (duckdb.IOException, _CasesAreGone) as error:  # the next publication came in between
                problem = error
        raise OpslaError(f"{self.home.marts_database}: cannot be opened: {problem}") from problem

    def _settings_now(self) -> Settings:
        """What the config says when a generation comes; while somebody edits it, what it said before."""
        if not self.reads_settings_anew:
            return self.settings
        with suppress(OpslaError):
            self.settings = load_settings(self.settings.config_directory, self.home.root)
        return self.settings


class _CasesAreGone(Exception):
    """The marts that were opened have just been replaced, and their cases removed."""


def open_publication(home: Home, settings: Settings) -> Publication:
    """The marts published now, and their cases, on one connection. Raises OpslaError for those of another opsla."""
    connection = duckdb.connect(config={"memory_limit": MEMORY_LIMIT, "threads": THREADS, "temp_directory": tempfile.gettempdir()})
    try:
        return _attached(connection, home, settings)
    except BaseException:
        connection.close()
        raise


def _attached(connection: duckdb.DuckDBPyConnection, home: Home, settings: Settings) -> Publication:
    connection.execute(f"attach '{quoted(home.marts_database)}' as marts (read_only)")
    connection.execute("use marts")
    require_current(connection, home.marts_database)
    cases = cases_of(connection, home)
    publication = connection.execute(f"select publication, published_at from {PUBLICATION_TABLE}").fetchone() if _has_publication(connection) else None
    connection.execute("use memory")
    if publication is None:
        raise OpslaError(f"{home.marts_database}: was published by an opsla without a command centre; `opsla refresh` or `opsla run` publishes it anew")
    if cases is None:
        raise _CasesAreGone
    connection.execute(f"attach '{quoted(cases)}' as cases (read_only)")
    found = connection.execute(
        "select database_name, schema_name, table_name from duckdb_tables() where database_name in ('marts', 'cases') order by database_name desc"
    ).fetchall()
    for schema in sorted({schema for _, schema, _ in found}):
        connection.execute(f"create schema if not exists {schema}")
    relations: dict[str, str] = {}
    for database, schema, table in found:  # what both have is taken from the marts
        if relations.setdefault(f"{schema}.{table}", database) == database:
            connection.execute(f"create view {schema}.{table} as select * from {database}.{schema}.{table}")
    if "staging.events_clean" in relations and EVENT_COPIES in relations:
        connection.execute(_EVENTS_DEDUPED)
        relations["staging.events_deduped"] = "memory"
    return Publication(str(publication[0]), publication[1], connection, frozenset(relations), settings)


def _has_publication(connection: duckdb.DuckDBPyConnection) -> bool:
    schema, name = PUBLICATION_TABLE.split(".")
    sql = "select 1 from duckdb_tables() where database_name = 'marts' and schema_name = ? and table_name = ?"
    return connection.execute(sql, [schema, name]).fetchone() is not None
