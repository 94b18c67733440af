"""How long the history of runs is kept, so that a home does not grow with every load and refresh.

Belongs here: what of Dagster's own history is forgotten, and when. Does not belong here: the tables of the desk, which nothing here touches.

What Dagster knows of each asset and partition now is always kept. Forgotten is what a finished run had planned (a range of dates writes
one such event a table and date, before the one that counts), and of what is older than KEPT_DAYS the runs' own logs and every
materialization that a later one replaced. Only the embedded storage is looked after: whoever brings another one keeps it himself.
"""

from __future__ import annotations

import shutil
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from dagster import DagsterInstance, DagsterRunStatus, RunRecord, RunsFilter
from sqlalchemy.exc import OperationalError

from opsla_dagster.instance.storage import BatchedSqliteEventLogStorage

#: Days for which the log of a run can be read in the UI, and the history of a table's rows.
KEPT_DAYS = 30
_ENDED = [DagsterRunStatus.SUCCESS, DagsterRunStatus.FAILURE, DagsterRunStatus.CANCELED]


def prune_history(instance: DagsterInstance, now: datetime | None = None) -> None:
    """Forgets what is not worth its room; `now` is UTC and naive. A history that is in use by somebody else waits for the next time."""
    storage = instance.event_log_storage
    if not isinstance(storage, BatchedSqliteEventLogStorage):
        return
    kept_from = (now or datetime.now(UTC).replace(tzinfo=None)) - timedelta(days=KEPT_DAYS)
    ended = list(instance.get_run_records(filters=RunsFilter(statuses=_ENDED)))
    succeeded = [record.dagster_run.run_id for record in ended if record.dagster_run.status is DagsterRunStatus.SUCCESS]
    with suppress(OperationalError):  # locked by a daemon, or a person who looks into it
        storage.forget_plans(succeeded)
        storage.forget_replaced(kept_from)
    for record in ended:
        if _ended_at(record) < kept_from:
            storage.forget_run_log(record.dagster_run.run_id)
            shutil.rmtree(Path(instance.storage_directory()) / record.dagster_run.run_id, ignore_errors=True)


def _ended_at(record: RunRecord) -> datetime:
    """UTC and naive."""
    if record.end_time is None:
        return record.update_timestamp.replace(tzinfo=None)
    return datetime.fromtimestamp(record.end_time, UTC).replace(tzinfo=None)
