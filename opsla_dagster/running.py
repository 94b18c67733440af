"""Carrying out runs in this process, on the home's own Dagster instance.

Belongs here: what `opsla run` and `opsla refresh` share, and why a run could not be carried out. Does not belong here: which
windows, and what a person sees.
"""

from __future__ import annotations

import errno
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TypeVar

import dagster as dg
import duckdb
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.events import RunFailureReason
from dagster._core.execution.execute_in_process import core_execute_in_process
from dagster._core.execution.plan.objects import ErrorSource
from dagster_shared.error import SerializableErrorInfo

from opsla_dagster.assets.factory import on_table_done
from opsla_dagster.assets.retrying import UNATTENDED_TAG
from opsla_dagster.assets.scope import TRIAL_TAG
from opsla_dagster.automation.schedule import BACKFILL_JOB, REFRESH_JOB, load_job, run_tags
from opsla_dagster.build import build_definitions, build_resources
from opsla_dagster.catalog import HEADLINE_TABLES
from opsla_dagster.checks.gates import refuse_unknown_rates
from opsla_dagster.errors import OpslaError, PassingError
from opsla_dagster.instance.lease import process_tags
from opsla_dagster.instance.retention import prune_history
from opsla_dagster.interrupts import was_interrupted
from opsla_dagster.settings import Settings
from opsla_dagster.settings.calendars import require_horizon
from opsla_dagster.settings.sla_policies import sla_policies
from opsla_dagster.sources.bronze.report import LoadStep, on_load_step
from opsla_dagster.sources.desk import build_desk
from opsla_dagster.sources.filled import active_tables
from opsla_dagster.sources.loading import enabled_accounts
from opsla_dagster.warehouse.connection import LOCK_PATIENCE_SECONDS, Warehouse
from opsla_dagster.warehouse.exhaustion import is_of_the_disk
from opsla_dagster.window import Window, dates_of

#: Dagster would log every event to the terminal; its UI has them all, and failures are told in one message.
_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}

T = TypeVar("T")

_DISK_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO}


@dataclass(frozen=True)
class Finished:
    """The run that was carried out; `error` is why it failed, or empty."""

    run_ids: list[str]
    error: str

    @property
    def succeeded(self) -> bool:
        return not self.error


def run_windows(
    settings: Settings,
    instance: dg.DagsterInstance,
    windows: Sequence[Window],
    as_of_at: datetime,
    table_done: Callable[[str, int], None],
    *,
    is_refresh: bool,
    is_trial: bool = False,
    patience_seconds: float = LOCK_PATIENCE_SECONDS,
    answer: Callable[[duckdb.DuckDBPyConnection], object] | None = None,
) -> Finished:
    """Makes every table for the dates of `windows` as of `as_of_at` (naive UTC), in one run; `is_trial`: only to try a configuration.

    `table_done` is told of each table and its rows, `answer` of the warehouse, once, as soon as the tables of the headline are made.

    Raises OpslaError, before the first table, where config files do not fit each other; KeyboardInterrupt when a person stopped it.
    """
    _refuse_what_does_not_fit(settings, windows)
    definitions = build_definitions(settings, build_resources(settings, patience_seconds))
    job = definitions.resolve_job_def(REFRESH_JOB if is_refresh else BACKFILL_JOB)
    listening = on_table_done.set(_listener(settings, table_done, answer))
    try:
        tags = run_tags(dates_of(windows), as_of_at, is_refresh=is_refresh)
        trial = {TRIAL_TAG: "true"} if is_trial else {}
        result = carry_out(job, instance, {**tags, **trial, **process_tags(instance), **_unattended(patience_seconds)})
    finally:
        on_table_done.reset(listening)
    if not result.success:
        if was_interrupted() or _was_cancelled(result):
            raise KeyboardInterrupt
        return Finished([result.run_id], _why(result))
    prune_history(instance, kept_days=settings.run_history.kept_days)
    return Finished([result.run_id], "")


def _listener(
    settings: Settings, table_done: Callable[[str, int], None], answer: Callable[[duckdb.DuckDBPyConnection], object] | None
) -> Callable[[str, int, Warehouse], None]:
    waited_for = {table.name for table in active_tables(settings.sources)} & {*HEADLINE_TABLES}
    counting = threading.Lock()

    def listener(table: str, rows: int, warehouse: Warehouse) -> None:
        table_done(table, rows)
        with counting:
            is_last = waited_for == {table}
            waited_for.discard(table)
        if answer is not None and is_last:
            with suppress(OpslaError), warehouse.at_work():  # the table is made, whether or not the file can be had once more
                answer(warehouse.connection())

    return listener


def carry_out(job: dg.JobDefinition, instance: dg.DagsterInstance, tags: Mapping[str, str]) -> dg.ExecuteInProcessResult:
    """`job.execute_in_process`, but by the job's own executor."""
    return core_execute_in_process(
        job=InMemoryJob(job_def=job), instance=instance, run_tags=tags, run_config=_QUIET, output_capturing_enabled=False, raise_on_error=False
    )


def _unattended(patience_seconds: float) -> dict[str, str]:
    """Who waits for hours for the warehouse also waits for a cause that passes."""
    return {UNATTENDED_TAG: "true"} if patience_seconds > LOCK_PATIENCE_SECONDS else {}


def trying_again(work: Callable[[], T], tell: Callable[[str], object], waits_seconds: Sequence[float]) -> T:
    """What `work` returns; where its cause passes it is done again after each of these waits. For what a command does before its run."""
    for seconds in waits_seconds:
        try:
            return work()
        except PassingError as error:
            tell(f"{error}. Trying again in {seconds:g} seconds.")
            time.sleep(seconds)
    return work()


def _refuse_what_does_not_fit(settings: Settings, windows: Sequence[Window]) -> None:
    """What one config file says of another, of the dates and of the gates' SQL: a run would find it only halfway through."""
    for window in windows:
        require_horizon(settings.calendars, window)
    sla_policies(settings.sla_policies, build_desk(settings).calendars(settings.calendars).calendars)
    for table, gates in settings.quality_gates.gates.items():
        refuse_unknown_rates(table, gates)


def load_accounts(
    settings: Settings, instance: dg.DagsterInstance, step_done: Callable[[str, LoadStep], None], *, patience_seconds: float = LOCK_PATIENCE_SECONDS
) -> Iterator[tuple[str, str]]:
    """Loads each account of a ticket system in a run of its own; yields its name, and why it failed or an empty text.

    `step_done` is told of the account and how far a resource of it has come, after every answer of its API.
    """
    definitions = build_definitions(settings)
    for account in enabled_accounts(settings.sources):
        job = definitions.resolve_job_def(load_job(account.name))
        listening = on_load_step.set(partial(step_done, account.name))
        try:
            result = carry_out(job, instance, {**process_tags(instance), **_unattended(patience_seconds)})
        finally:
            on_load_step.reset(listening)
        yield account.name, "" if result.success else _why(result)
    prune_history(instance, kept_days=settings.run_history.kept_days)


def disk_trouble(error: BaseException, home: Path) -> OpslaError | None:
    """The readable form of an error that comes from a home that cannot be written; None when the error is of another kind."""
    for cause in _causes(error):
        is_refused = isinstance(cause, OSError) and cause.errno in _DISK_ERRORS
        if is_refused or isinstance(cause, sqlite3.OperationalError) or is_of_the_disk(cause):
            return OpslaError(
                f"{home}: cannot be written: {str(cause).splitlines()[0]}. No table is half-written, those of the "
                "interrupted run are as they were before, and the marts published last are still there; free some space or make the directory writable, and run again."
            )
    return None


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _was_cancelled(result: dg.ExecuteInProcessResult) -> bool:
    """Whether it was Ctrl-C, or the system's wish that it ends: Dagster cancels the run, or says that nobody has asked for it, and so does the step that it came to."""
    return any(
        event.event_type is dg.DagsterEventType.PIPELINE_CANCELED
        or (event.event_type is dg.DagsterEventType.PIPELINE_FAILURE and event.job_failure_data.failure_reason is RunFailureReason.UNEXPECTED_TERMINATION)
        or (event.is_step_failure and event.step_failure_data.error_source is ErrorSource.INTERRUPT)
        for event in result.all_events
    )


def _why(result: dg.ExecuteInProcessResult) -> str:
    """What the first failed step says, without its stack."""
    for event in result.all_events:
        if event.is_step_failure:
            failure = event.step_failure_data
            if failure.user_failure_data is not None and failure.user_failure_data.description:
                return failure.user_failure_data.description
            table = str(event.step_key).replace("__", ".")
            return f"{table}: {_unexpected(failure.error)}; the run's log in the Dagster UI (opsla dev) has the details"
    return "the run failed before its first step; its log in the Dagster UI says why"


def _unexpected(error: SerializableErrorInfo | None) -> str:
    """The first line of what was raised in the first place."""
    if error is None:
        return "the step failed"
    while error.cause is not None:
        error = error.cause
    return error.message.strip().splitlines()[0]
