"""One load of one account: what the loads of all ticket systems do the same way.

Belongs here: the frame of a load, its figures, slices. Does not belong here: what is asked of an API.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from opsla_dagster.sources.bronze.http import Api, HttpError
from opsla_dagster.sources.bronze.landing import Landing, Row
from opsla_dagster.sources.bronze.progress import Progress
from opsla_dagster.sources.bronze.report import LoadReport, ResourceLoad
from opsla_dagster.sources.bronze.shape import Shaper

#: Parts of an account that not every plan has, and not every API user may see.
NOT_THERE = frozenset({402, 403, 404})


@dataclass
class Load:
    """What a load works with."""

    api: Api
    landing: Landing
    shaper: Shaper
    report: LoadReport

    def store(self, resource: str, tables: Mapping[str, Sequence[Row]], step: Progress | None, seen_at: datetime) -> None:
        """Stores a slice; `seen_at` is the server's time. Raises OpslaError."""
        steps = [] if step is None else [step]
        self.report.new_drift += self.landing.land(tables, steps, self.shaper.differences, seen_at)
        for table, rows in tables.items():
            self.figures(table).rows += len(rows)
        if step is not None:
            self.figures(resource).known_until = step.known_until

    def figures(self, resource: str) -> ResourceLoad:
        return self.report.resources.setdefault(resource, ResourceLoad())

    @contextmanager
    def timed(self, resource: str) -> Iterator[None]:
        started = time.perf_counter()
        try:
            yield
        finally:
            self.figures(resource).seconds += time.perf_counter() - started

    @contextmanager
    def optional(self, resource: str) -> Iterator[None]:
        """What an account may not have: then the report says so, and nothing else happens."""
        try:
            yield
        except HttpError as error:
            if error.status not in NOT_THERE:
                raise
            self.figures(resource).left_out = f"the account does not offer it, or its API user may not see it ({error.status})"


def latest(rows: dict[str, Row], row: Row) -> None:
    """Keeps the newest version of a record that a slice has more than once: it changed while it was paged through."""
    held = rows.get(row.id)
    if held is None or held.updated_at is None or row.updated_at is None or row.updated_at >= held.updated_at:
        rows[row.id] = row
