"""Opening the Dagster instance of a home, and ending the runs that a killed `opsla` left behind.

Belongs here: what the CLI needs of Dagster's instance. Does not belong here: starting runs (the CLI) and the health of
runs that the daemon launched (launcher.py).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

from dagster import DagsterInstance, DagsterRun, DagsterRunStatus, RunsFilter
from dagster._core.events import JobFailureData, RunFailureReason
from dagster._core.launcher.base import WorkerStatus

from opsla_dagster.errors import OpslaError
from opsla_dagster.instance.lease import PROCESS_TAG, Owner, abandoned_leases, forget_leases, owner_of
from opsla_dagster.instance.settings import SETTINGS_FILE, prepare_dagster_home

UNFINISHED = [
    DagsterRunStatus.NOT_STARTED,
    DagsterRunStatus.STARTING,
    DagsterRunStatus.STARTED,
    DagsterRunStatus.CANCELING,
]
_AT_WORK = [DagsterRunStatus.STARTED, DagsterRunStatus.CANCELING]


def open_instance(home: Path) -> DagsterInstance:
    """The Dagster instance of `home`, the same one that `DAGSTER_HOME=home/dagster dagster dev` uses.

    Raises OpslaError when the directory cannot be written, or its dagster.yaml or database cannot be used.
    """
    directory = prepare_dagster_home(home)
    try:
        return DagsterInstance.from_config(str(directory))
    except Exception as error:  # a storage of the user's choice raises what it likes
        raise OpslaError(
            f"{directory / SETTINGS_FILE}: Dagster cannot start with these settings: {_root_cause(error)}; "
            "mend the file (deleting it brings opsla's own settings back) or make its directory writable"
        ) from error


def mark_interrupted_runs(instance: DagsterInstance) -> list[str]:
    """End as failed every run whose `opsla` process is gone, and return the ids of those runs.

    Only runs that carry the tag of `process_tags` are looked at: a run that Dagster launched is watched by its daemon.
    """
    # Listed before the runs are: a lease abandoned later may belong to a run this query has not seen yet.
    abandoned = abandoned_leases(instance)
    interrupted = [
        run
        for run in instance.get_runs(filters=RunsFilter(statuses=UNFINISHED))
        if PROCESS_TAG in run.tags and owner_of(instance, run.tags[PROCESS_TAG]) is Owner.GONE
    ]
    for run in interrupted:
        instance.report_run_failed(
            run,
            f"Interrupted: the opsla process that carried out this run ({run.tags[PROCESS_TAG]}) ended without "
            "finishing it (killed, crashed, or the machine went down). Tables it had written are whole, the others are "
            "as before; run the same dates again.",
            JobFailureData(error=None, failure_reason=RunFailureReason.UNEXPECTED_TERMINATION),
        )
    forget_leases(abandoned)
    return [run.run_id for run in interrupted]


def wait_for_turn(instance: DagsterInstance, patience_seconds: float, tell: Callable[[str], object]) -> None:
    """Returns once no other run of the instance is going on: one run works at a time, as in the queue of Dagster's daemon, which sees ours.

    `tell` is told of a wait. Raises OpslaError after `patience_seconds`.
    """
    give_up_at = time.monotonic() + patience_seconds
    is_told = False
    while (busy := next(_going_on(instance), None)) is not None:
        if time.monotonic() >= give_up_at:
            raise OpslaError(
                f"run {busy.run_id[:8]} ({busy.job_name}) is going on in this home, and one run works at a time. "
                "Wait for it to finish and try again; with --wait the command does so by itself."
            )
        if not is_told:
            tell(f"Waiting for run {busy.run_id[:8]} ({busy.job_name}) to end.")
            is_told = True
        time.sleep(0.5)


def _going_on(instance: DagsterInstance) -> Iterator[DagsterRun]:
    """The runs that a live process carries out. One about to start is not waited for: it will wait for the warehouse."""
    for run in instance.get_runs(filters=RunsFilter(statuses=_AT_WORK)):
        if not is_killed(instance, run):
            yield run


def is_killed(instance: DagsterInstance, run: DagsterRun) -> bool:
    """Whether nobody carries out a run that has started: the history calls it started until the next command, or the daemon, ends it."""
    if run.status not in _AT_WORK:
        return False
    if PROCESS_TAG in run.tags:
        return owner_of(instance, run.tags[PROCESS_TAG]) is Owner.GONE
    launcher = instance.run_launcher
    return launcher.supports_check_run_worker_health and launcher.check_run_worker_health(run).status is WorkerStatus.NOT_FOUND


def _root_cause(error: BaseException) -> str:
    """The innermost message, on one line."""
    while error.__cause__ is not None:
        error = error.__cause__
    return " ".join(str(error).split())[:400] or type(error).__name__
