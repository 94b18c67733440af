"""Rows of the area `sources` that are made in Python: what the sources hold, and as of when.

Belongs here: one entry a table, and how its rows are fetched. Does not belong here: how a source reads.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pyarrow as pa

from opsla_dagster.assets.factory import MakeRows, PythonTable, window_of
from opsla_dagster.assets.log_files import observations
from opsla_dagster.assets.mixtures import refuse_mixtures, refuse_the_unannounced
from opsla_dagster.assets.scope import Scope
from opsla_dagster.catalog import TABLES
from opsla_dagster.sources.base import INSTANT, NO_CASES, PARTITION_STATES
from opsla_dagster.sources.bronze.drift import schema_drift
from opsla_dagster.sources.desk import Desk
from opsla_dagster.warehouse.write import ensure_table
from opsla_dagster.window import Window

_SOURCE_PARTITIONS = pa.schema([
    *PARTITION_STATES, ("fingerprint", pa.string()), ("as_of_at", INSTANT), ("refresh", pa.string()), ("previous_watermark_at", INSTANT),
])  # fmt: skip


def _of_dates(read: Callable[[Desk, Window, datetime], pa.Table]) -> MakeRows:
    """What the sources hold of intake dates, as of the run's instant; in pieces, where a date has more than fits into memory."""

    def rows(scope: Scope, part: Window | None) -> pa.Table | pa.RecordBatchReader:
        pieces = scope.desk.in_batches(read.__name__, window_of(part), scope.as_of_at)
        return read(scope.desk, window_of(part), scope.as_of_at) if pieces is None else pieces

    return rows


def _staffing_schedule(scope: Scope, part: Window | None) -> pa.Table:
    return scope.desk.staffing(window_of(part))


def _rejected_rows(scope: Scope, part: Window | None) -> pa.Table:
    return scope.desk.rejected_rows()


def _source_partitions(scope: Scope, part: Window | None) -> pa.Table:
    """The sources' states of every date of the window, those without cases included, and what they were read from."""
    window = window_of(part)
    states = {
        (row["source"], row["intake_date"]): row
        for row in scope.desk.partition_states(window, scope.as_of_at).to_pylist()
    }
    watermarks = _watermarks(scope)
    empty = {"cases": 0, "events": 0, "digest": NO_CASES}
    rows = [
        {
            **empty, **states.get((source, day), {}), "source": source, "intake_date": day, "fingerprint": fingerprint,
            "as_of_at": scope.as_of_at, "refresh": scope.refresh, "previous_watermark_at": watermarks.get(source),
        }
        for day in window.dates()
        for source, fingerprint in scope.desk.fingerprints().items()
    ]  # fmt: skip
    scope.desk.announced |= {(row["source"], row["intake_date"]): (row["digest"], scope.as_of_at) for row in rows}
    return pa.Table.from_pylist(rows, schema=_SOURCE_PARTITIONS)


def _source_watermarks(scope: Scope, part: Window | None) -> pa.Table:
    """As of when all dates of each source were looked at last: as it was, or now, where every date of this refresh is loaded."""
    watermarks = _watermarks(scope)
    loaded = scope.connection.execute(
        "select count(distinct intake_date) from raw.source_partitions where refresh = $refresh", {"refresh": scope.refresh}
    ).fetchone()
    if loaded is not None and loaded[0] == scope.refresh_dates:
        watermarks |= {source: max(scope.as_of_at, watermarks.get(source, scope.as_of_at)) for source in scope.desk.fingerprints()}
    schema = pa.schema([("source", pa.string()), ("as_of_at", INSTANT)])
    return pa.Table.from_pylist([{"source": source, "as_of_at": watermarks[source]} for source in sorted(watermarks)], schema=schema)


def _watermarks(scope: Scope) -> dict[str, datetime]:
    """The watermark of each source, as the refresh before left it."""
    return dict(scope.connection.execute("select source, as_of_at from ops.source_watermarks").fetchall())


def _ensure_watermarks(scope: Scope) -> None:
    """raw.source_partitions and the watermarks tell of each other: the first run finds none."""
    refuse_mixtures(scope)
    ensure_table(scope.connection, TABLES["ops.source_watermarks"])


def _schema_drift(scope: Scope, part: Window | None) -> pa.Table:
    found = schema_drift(scope.settings.sources, scope.settings.home)
    return found.rename_columns(["drift" if name == "change" else name for name in found.schema.names])


def of_cases(read: Callable[[Desk, Window, datetime], pa.Table]) -> PythonTable:
    """A table of what the sources hold of cases, which raw.cases announces."""
    return PythonTable(_of_dates(read), deps=["raw.cases"], before=refuse_the_unannounced, reads_files=True)


# Everything waits for raw.source_partitions: it refuses a mixture before anything is written.
SOURCES = {
    "raw.source_partitions": PythonTable(
        _source_partitions, before=_ensure_watermarks, reads_accounts=True, reads_files=True, observe=lambda scope: observations(scope.desk.files_read())
    ),
    "raw.cases": PythonTable(_of_dates(Desk.cases), deps=["raw.source_partitions", "raw.rejected_rows"], before=refuse_the_unannounced, reads_files=True),
    "raw.events_log": of_cases(Desk.events),
    "raw.messages": of_cases(Desk.messages),
    "raw.attribute_changes": of_cases(Desk.attribute_changes),
    "raw.applied_targets": of_cases(Desk.applied_targets),
    "raw.source_verdicts": of_cases(Desk.source_verdicts),
    "raw.source_facts": of_cases(Desk.source_facts),
    "raw.rejected_rows": PythonTable(_rejected_rows, deps=["raw.source_partitions"], before=refuse_mixtures, reads_files=True, keeps_refused_rows=True),
    "raw.staffing_schedule": PythonTable(_staffing_schedule, deps=["raw.source_partitions"], before=refuse_mixtures),
    "ops.schema_drift": PythonTable(_schema_drift, reads_accounts=True),
    "ops.source_watermarks": PythonTable(_source_watermarks, deps=["raw.source_partitions"], before=_ensure_watermarks),
}
