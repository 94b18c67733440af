"""One load of one account: what the loads of all ticket systems do the same way.

Belongs here: the frame of a load, its figures, slices. Does not belong here: what is asked of an API.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar

from opsla_dagster.errors import OpslaError
from opsla_dagster.sources.bronze.http import Api, HttpError
from opsla_dagster.sources.bronze.landing import Landing, Row
from opsla_dagster.sources.bronze.progress import Progress
from opsla_dagster.sources.bronze.report import LoadReport, LoadStep, ResourceLoad, on_load_step
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
    #: Records up to which slices share a package: one costs half a second, however small it is.
    hold_back_rows: ClassVar[int] = 20_000
    _fetched: Counter[str] = field(default_factory=Counter)
    _steps: dict[str, Progress] = field(default_factory=dict)
    _rows: dict[str, dict[str, Row]] = field(default_factory=dict)

    def store(self, tables: Mapping[str, Iterable[Row]], step: Progress | None, seen_at: datetime) -> None:
        """Stores a slice, now or with the next ones; `seen_at` is the server's time. Raises OpslaError."""
        for table, rows in tables.items():
            held = self._rows.setdefault(table, {})
            for row in rows:
                latest(held, row)
        if step is not None:
            self._steps[step.resource] = step
            self.figures(step.resource).known_until = step.known_until
        if sum(map(len, self._rows.values())) > self.hold_back_rows:
            self.finish(seen_at)

    def advanced(self, resource: str, records: int, known_until: datetime | None, since: datetime | None, until: datetime) -> None:
        """Tells whoever watches that an answer brought so many records of a resource that is asked for `since`, up to `until`."""
        self._fetched[resource] += records
        share = 1.0
        if known_until is not None and since is not None and until > since:
            share = min(max((known_until - since) / (until - since), 0.0), 1.0)
        on_load_step.get()(LoadStep(resource, self._fetched[resource], known_until, share))

    def finish(self, seen_at: datetime) -> None:
        """Stores what is held back."""
        tables = {table: rows.values() for table, rows in self._rows.items() if rows}
        if tables or self._steps:
            steps = list(self._steps.values())
            self.report.new_drift += self.landing.land(tables, steps, self.shaper.differences, seen_at)
        for table, rows in tables.items():
            self.figures(table).rows += len(rows)
        self._rows, self._steps = {}, {}

    @contextmanager
    def keeping_what_was_fetched(self) -> Iterator[None]:
        """A request that fails takes nothing with it of what was fetched before."""
        try:
            yield
        except OpslaError:
            with suppress(OpslaError):
                self.finish(datetime.now(UTC).replace(tzinfo=None))
            raise

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


def records_of(content: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    """The records of an answer; what is no object is none."""
    found = content.get(key)
    return [record for record in found if isinstance(record, dict)] if isinstance(found, list) else []


def row_of(stored: Mapping[str, Any], updated_at: datetime | None) -> Row:
    """A shaped record as it is stored."""
    return Row(_id_of(stored), updated_at, json.dumps(stored, ensure_ascii=False, separators=(",", ":")))


def _id_of(stored: Mapping[str, Any]) -> str:
    """A record without an id has a stand-in, so that it is stored and can be rejected with its reason."""
    found = stored.get("id")
    if isinstance(found, str | int) and not isinstance(found, bool) and found != "":
        return str(found)
    content = json.dumps(stored, sort_keys=True, default=str)
    return f"without id {hashlib.sha256(content.encode()).hexdigest()[:16]}"
