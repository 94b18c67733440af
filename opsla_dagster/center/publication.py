"""What the pages read: the published marts and the cases that were published with them, one generation at a time.

A publication replaces marts.duckdb by renaming; an open one stays readable. A page reads one generation from its first query to its last, and
the next request takes the newest one. Belongs here: opening, sharing and closing. Does not belong here: any query of a page.
"""

from __future__ import annotations

import logging
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import duckdb

from opsla_dagster.errors import OpslaError
from opsla_dagster.settings import Settings, load_settings
from opsla_dagster.settings.home import Home
from opsla_dagster.warehouse.case_copy import PUBLICATION_TABLE, attach_cases, cases_of
from opsla_dagster.warehouse.connection import table_names
from opsla_dagster.warehouse.schema_version import require_current
from opsla_dagster.warehouse.sql import literal

#: DuckDB's own bound for everything that the pages of a generation compute at the same time.
MEMORY_LIMIT, THREADS = "768MB", 2
#: How often a publication that is replaced while it is being opened is tried again.
_OPENINGS = 5
#: Where nobody asked for so long, nobody waits for pages of the generation before either: the newest is shown at once.
_FORGOTTEN_AFTER_SECONDS = 60.0
#: After a publication that cannot be shown.
_PAUSE_SECONDS = 5.0
#: By which marts.duckdb is known to be another file.
_Identity = tuple[int, int, int]
_log = logging.getLogger(__name__)


class NothingPublishedError(OpslaError):
    """There is nothing to show yet."""


class CasesAreGoneError(duckdb.IOException):
    """The file with the cases of a publication has been removed, since a newer one has followed."""


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
    """The generation that all requests are shown: the newest one, as soon as it is ready.

    A new generation is opened aside, and `prepare` makes what readers asked for of the one before; meanwhile they go on with that one.
    """

    home: Home
    settings: Settings
    reads_settings_anew: bool = True
    prepare: Callable[[Publication, Publication], None] = lambda _fresh, _old: None
    #: Told the generation that is not shown any more.
    forget: Callable[[str], None] = lambda _generation: None
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _current: Publication | None = None
    _identity: _Identity | None = None
    _is_preparing: bool = False
    _asked_at: float = 0.0

    @contextmanager
    def newest(self) -> Iterator[Publication]:
        """The generation to show, kept open as long as it is read. Raises NothingPublishedError before there is one."""
        publication = self._taken()
        try:
            yield publication
        finally:
            self._give_back(publication)

    def renew(self, gone: Publication) -> None:
        """Shows the newest generation at once, where files of the one that is `gone` are not there any more."""
        with self._lock:
            if self._current is gone:
                self._show(*self._opened())

    def _taken(self) -> Publication:
        with self._lock:
            now = time.monotonic()
            identity = self._identity_on_disk()
            is_forgotten = now - self._asked_at > _FORGOTTEN_AFTER_SECONDS
            self._asked_at = now
            if self._current is None or (identity != self._identity and is_forgotten):
                self._show(*self._opened())
            elif identity != self._identity and not self._is_preparing:
                self._is_preparing = True
                threading.Thread(target=self._follow, name="next publication", daemon=True).start()
            assert self._current is not None
            self._current.readers += 1
            return self._current

    def _show(self, fresh: Publication, identity: _Identity) -> None:
        """From now on the fresh one; the caller holds the lock."""
        old, self._current, self._identity = self._current, fresh, identity
        if old is not None:
            old.is_replaced = True
            if old.readers == 0:
                old.close()
            self.forget(old.generation)

    def _give_back(self, publication: Publication) -> None:
        with self._lock:
            publication.readers -= 1
            if publication.is_replaced and publication.readers == 0:
                publication.close()

    def _follow(self) -> None:
        """Opens what was published, prepares it, and shows it from then on. Where that cannot be, the next request begins anew."""
        fresh: Publication | None = None
        old = self._read_current()
        try:
            fresh, identity = self._opened()
            self.prepare(fresh, old)
            with self._lock:
                if self._current is old:  # else somebody needed the newest at once, and it may be newer than this one
                    self._show(fresh, identity)
                    fresh = None
        except (OpslaError, duckdb.Error):
            _log.exception("opsla center: the newest publication cannot be shown; the one before is still shown")
            time.sleep(_PAUSE_SECONDS)
        finally:
            self._give_back(old)
            if fresh is not None:
                self._drop(fresh)
            self._is_preparing = False

    def _read_current(self) -> Publication:
        with self._lock:
            assert self._current is not None
            self._current.readers += 1
            return self._current

    def _drop(self, unseen: Publication) -> None:
        """Closes a publication that was never shown."""
        unseen.close()
        with self._lock:
            if self._current is None or self._current.generation != unseen.generation:
                self.forget(unseen.generation)

    def _identity_on_disk(self) -> _Identity:
        try:
            status = self.home.marts_database.stat()
        except OSError as error:
            raise NothingPublishedError(f"{self.home.root}: nothing is published here yet; `opsla run` publishes the marts") from error
        return status.st_ino, status.st_mtime_ns, status.st_size

    def _opened(self) -> tuple[Publication, _Identity]:
        problem: Exception | None = None
        for _ in range(_OPENINGS):
            identity = self._identity_on_disk()
            try:
                return open_publication(self.home, self._settings_now()), identity
            except duckdb.IOException as error:  # the next publication came in between
                problem = error
        raise OpslaError(f"{self.home.marts_database}: cannot be opened: {problem}") from problem

    def _settings_now(self) -> Settings:
        """What the config says when a generation comes; while somebody edits it, what it said before."""
        if not self.reads_settings_anew:
            return self.settings
        with suppress(OpslaError):
            self.settings = load_settings(self.settings.config_directory, self.home.root)
        return self.settings


def open_publication(home: Home, settings: Settings) -> Publication:
    """The marts published now, and their cases, on one connection. Raises OpslaError for those of another opsla."""
    connection = duckdb.connect(config={"memory_limit": MEMORY_LIMIT, "threads": THREADS, "temp_directory": tempfile.gettempdir()})
    try:
        return _attached(connection, home, settings)
    except BaseException:
        connection.close()
        raise


def _attached(connection: duckdb.DuckDBPyConnection, home: Home, settings: Settings) -> Publication:
    connection.execute(f"attach {literal(str(home.marts_database))} as marts (read_only)")
    connection.execute("use marts")
    require_current(connection, home.marts_database)
    cases = cases_of(connection, home)
    publication = connection.execute(f"select publication, published_at from {PUBLICATION_TABLE}").fetchone() if PUBLICATION_TABLE in table_names(connection) else None
    connection.execute("use memory")
    if publication is None:
        raise OpslaError(f"{home.marts_database}: was published by an opsla without a command centre; `opsla refresh` or `opsla run` publishes it anew")
    if not cases:
        raise CasesAreGoneError(f"{home.case_copies}: the cases of {publication[0]} are gone; `opsla refresh` publishes them anew")
    relations = attach_cases(connection, cases, "cases")
    found = connection.execute("select schema_name || '.' || table_name from duckdb_tables() where database_name = 'marts'").fetchall()
    relations |= {table: f"select * from marts.{table}" for (table,) in found}  # what both have is taken from the marts
    for schema in sorted({table.split(".")[0] for table in relations}):
        connection.execute(f"create schema if not exists {schema}")
    for table, select in relations.items():
        connection.execute(f"create view {table} as {select}")
    return Publication(str(publication[0]), publication[1], connection, frozenset(relations), settings)
