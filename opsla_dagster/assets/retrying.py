"""Trying again what failed for a cause that passes: a source that is away, a file that is still being written, a lock, a disk that was full.

Belongs here: which causes and which runs, and how long is waited. Does not belong here: the nightly tick before its run
(automation/schedule.py). docs/decisions/0036-retries.md has the rule.
"""

# No `from __future__ import annotations`: Dagster looks at the annotation of `context` itself.
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext

import dagster as dg
import duckdb
from dagster._core.errors import DagsterExecutionInterruptedError
from dagster._core.storage.tags import (
    BACKFILL_ID_TAG,
    MAX_RETRIES_TAG,
    RETRY_STRATEGY_TAG,
    SCHEDULE_NAME_TAG,
    SENSOR_NAME_TAG,
)
from sqlalchemy.exc import OperationalError

from opsla_dagster.errors import OpslaError, PassingError
from opsla_dagster.instance.lease import PROCESS_TAG
from opsla_dagster.warehouse.connection import Warehouse
from opsla_dagster.warehouse.exhaustion import memory_error

#: How long a step waits before its second, third and fourth try: from 01:00 on the last one begins well before the deadline of the night.
WAITS_SECONDS: Sequence[float] = (60.0, 300.0, 900.0)
#: Loads of accounts: their next hour comes by itself, and nothing else runs while one waits.
LOAD_WAITS_SECONDS: Sequence[float] = (60.0, 300.0)
#: Run tag of what a command carries out that nobody watches (`--wait`).
UNATTENDED_TAG = "opsla/unattended"
#: What DuckDB makes of a signal that comes while it is at work: Dagster would take it for a failure like any other, and go on with the next step.
_INTERRUPTED = "Query interrupted"
#: Two steps may begin a run; Dagster stores a tag twice that two add at the same time, and then finds the run twice.
_TAGGING = threading.Lock()
_STARTED_BY_NOBODY = (SCHEDULE_NAME_TAG, SENSOR_NAME_TAG, BACKFILL_ID_TAG, UNATTENDED_TAG)


@contextmanager
def failing_plainly(
    context: dg.AssetExecutionContext, waits_seconds: Sequence[float], warehouse: Warehouse | None = None, but: type[OpslaError] | tuple[()] = ()
) -> Iterator[None]:
    """What goes wrong inside fails the step for good, in its own words; in a run that nobody watches, a cause that passes has it tried again.

    While it waits the warehouse is closed: others may have it, and a DuckDB that failed has to be opened anew. Errors of the kind `but` are
    the caller's.
    """
    try:
        with warehouse.at_work() if warehouse is not None else nullcontext():
            yield
    except but:
        raise
    except RuntimeError as raised:
        if str(raised) == _INTERRUPTED:
            raise DagsterExecutionInterruptedError from None
        raise
    except (OpslaError, sqlite3.OperationalError, OperationalError, duckdb.OutOfMemoryException) as raised:
        error = memory_error("rows that the step needs", raised) if isinstance(raised, duckdb.OutOfMemoryException) else raised
        if not isinstance(error, OpslaError) and not passes(error):
            raise
        waits = waits_seconds if is_unattended(context.run.tags) else ()
        if passes(error) and context.retry_number < len(waits):
            if warehouse is not None:
                warehouse.close_when_free()
            seconds = waits[context.retry_number]
            context.log.warning(f"try {context.retry_number + 1} of {len(waits) + 1} failed, the next one in {seconds:g} seconds: {error}")
            raise dg.RetryRequested(max_retries=len(waits), seconds_to_wait=seconds) from error
        raise dg.Failure(str(error), allow_retries=False) from None


def passes(error: BaseException) -> bool:
    """Whether the cause may be gone in some minutes. A failed check, a configuration and input that cannot be used stay as they are."""
    if isinstance(error, PassingError):
        return True
    return isinstance(error, sqlite3.OperationalError | OperationalError) and "database is locked" in str(error)


def is_unattended(tags: Mapping[str, str]) -> bool:
    """Whether nobody waits for this run: a schedule, a sensor, a backfill or cron began it. Who clicks on a date sees at once why it fails."""
    return any(tag in tags for tag in _STARTED_BY_NOBODY)


def allow_one_rerun(context: dg.AssetExecutionContext) -> None:
    """Has Dagster's daemon run this run again, once and as a whole, should its process die; to be called when it has begun to work.

    From there on nothing of the configuration can be what kept it. All of it, since half of a run may have read an older state of the source.
    """
    tags = context.run.tags
    if not is_unattended(tags) or PROCESS_TAG in tags:
        return
    with _TAGGING:
        run = context.instance.get_run_by_id(context.run.run_id)
        if run is not None and MAX_RETRIES_TAG not in run.tags:
            context.instance.add_run_tags(run.run_id, {MAX_RETRIES_TAG: "1", RETRY_STRATEGY_TAG: "ALL_STEPS"})
