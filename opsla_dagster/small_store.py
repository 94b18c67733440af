"""A small SQLite file in the home that several processes write: what opsla itself has to remember beside the warehouse.

Belongs here: opening it, one transaction, and the one message when it cannot be used. Does not belong here: what any such file remembers.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from opsla_dagster.errors import OpslaError

_LOCK_WAIT_SECONDS = 30.0


class SmallStore:
    """One file, made with its tables where it is not there yet; safe from several processes and threads at once.

    `tables` are `create ... if not exists` statements, parted by semicolons; `what` names what the file remembers, and `consequence` says what
    becomes of that while it cannot be used. Raises OpslaError then, here and in every transaction.
    """

    def __init__(self, path: Path, tables: str, what: str, consequence: str) -> None:
        self._path, self._what, self._consequence = path, what, consequence
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self._unusable(error) from error
        with self.transaction() as connection:
            for statement in tables.split(";"):
                connection.execute(statement)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """A connection in a transaction that nobody else writes in; what is raised within takes everything back."""
        try:
            with closing(sqlite3.connect(self._path, timeout=_LOCK_WAIT_SECONDS, isolation_level=None)) as connection:
                connection.execute("begin immediate")
                yield connection
                # Without this, closing rolls back.
                connection.execute("commit")
        except sqlite3.Error as error:
            raise self._unusable(error) from error

    def _unusable(self, error: Exception) -> OpslaError:
        return OpslaError(f"{self._path}: {self._what} cannot be used: {error}. Make the home writable and free some space; {self._consequence}")
