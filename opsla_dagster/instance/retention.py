"""How long the history of runs is kept, so that a home does not grow with every load and refresh.

Belongs here: what of Dagster's own history is forgotten, and when. Does not belong here: the rows (forgetting.py), and the tables of the
desk, which nothing here touches.

What Dagster knows of each asset, partition and check now is always kept. Forgotten is what an ended run had planned (one event a table
and date), and of what is older than the retention the runs with their logs, every materialization that a later one replaced, and every
verdict on dates that were judged again. A storage that opsla does not bring (a stock Dagster one) keeps everything.
"""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol, runtime_checkable

from dagster import DagsterInstance, DagsterRunStatus, RunRecord, RunsFilter
from sqlalchemy.exc import OperationalError

_ENDED = [DagsterRunStatus.SUCCESS, DagsterRunStatus.FAILURE, DagsterRunStatus.CANCELED]
#: A backfill that goes on asks what its runs had planned.
_BACKFILL_TAG, _BACKFILL_ENDS_WITHIN = "dagster/backfill", timedelta(days=1)


@runtime_checkable
class Forgetful(Protocol):
    """An event storage that can forget."""

    def forget_plans(self, succeeded: set[str], failed: set[str]) -> None: ...
    def forget_replaced(self, kept_from: datetime) -> None: ...
    def forget_run_log(self, run_id: str) -> None: ...
    def last_runs(self) -> set[str]: ...


def prune_history(instance: DagsterInstance, now: datetime | None = None, *, kept_days: int) -> int:
    """Forgets what is not worth its room, and returns how many runs are gone: those that ended `kept_days` before `now` (UTC, naive).

    A history that somebody else has locked waits for the next time.
    """
    storage = instance.event_log_storage
    if not isinstance(storage, Forgetful):
        return 0
    at = now or datetime.now(UTC).replace(tzinfo=None)
    kept_from = at - timedelta(days=kept_days)
    forgotten = 0
    with suppress(OperationalError, sqlite3.OperationalError):  # locked by a run, the daemon, or a person who looks into it
        ended = list(instance.get_run_records(filters=RunsFilter(statuses=_ENDED)))
        over = [record for record in ended if _BACKFILL_TAG not in record.dagster_run.tags or _ended_at(record) < at - _BACKFILL_ENDS_WITHIN]
        succeeded = {record.dagster_run.run_id for record in over if record.dagster_run.is_success}
        storage.forget_plans(succeeded, {record.dagster_run.run_id for record in over} - succeeded)
        storage.forget_replaced(kept_from)
        named = storage.last_runs()
        for record in ended:
            if _ended_at(record) < kept_from:
                forgotten += _forget_run(instance, storage, record.dagster_run.run_id, is_named=record.dagster_run.run_id in named)
    return forgotten


def _forget_run(instance: DagsterInstance, storage: Forgetful, run_id: str, *, is_named: bool) -> bool:
    """The run's log, and the run itself unless the catalog names it as the last one of an asset."""
    storage.forget_run_log(run_id)
    shutil.rmtree(Path(instance.storage_directory()) / run_id, ignore_errors=True)
    if not is_named:
        instance.run_storage.delete_run(run_id)  # not `instance.delete_run`, which forgets what the run materialized
    return not is_named


def _ended_at(record: RunRecord) -> datetime:
    """UTC and naive."""
    if record.end_time is None:
        return record.update_timestamp.replace(tzinfo=None)
    return datetime.fromtimestamp(record.end_time, UTC).replace(tzinfo=None)
