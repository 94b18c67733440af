"""Work beside a run: a second thread with a connection of its own to the same database.

A run makes one table after another, and much of that keeps one core busy. What is finished early can be copied meanwhile. It is an advance, and no
more: who needs what it makes looks for it and makes what is not there, so a failure here is met again there, by who can say what it means.

Belongs here: beginning, waiting, stopping. Does not belong here: what is done.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from threading import Thread

import duckdb

_log = logging.getLogger(__name__)


class Beside:
    """`work` on a cursor of `connection`, begun at once. It must only read tables that the run has finished."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, work: Callable[[duckdb.DuckDBPyConnection], object]) -> None:
        self._cursor = connection.cursor()
        self._work = work
        self._thread = Thread(target=self._run, name="opsla beside the run", daemon=True)
        self._thread.start()

    def wait(self) -> None:
        """Until it has ended."""
        self._thread.join()

    def stop(self) -> None:
        """Breaks it off: the run has failed, or was stopped, and nobody will ask for what it makes."""
        while self._thread.is_alive():
            with suppress(duckdb.Error):  # it has just come to its end
                self._cursor.interrupt()  # of the statement that runs now; another one may follow
            self._thread.join(timeout=0.1)

    def _run(self) -> None:
        try:
            self._work(self._cursor)
        except (duckdb.Error, OSError) as error:
            _log.info("opsla: work beside the run broke off, and will be done at its end: %s", error)
        finally:
            self._cursor.close()
