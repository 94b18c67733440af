"""Verdicts of checks that Dagster's history lacks, found anew on the rows that are there: a run was killed before it could tell them, or the history was lost.

Belongs here: which verdicts are missing, telling them, and whom their failures are told. Does not belong here: the checks, and how they judge
(assets/factory.py), and what an alert says (failures.py).
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date, datetime

import dagster as dg
import duckdb
from dagster._core.definitions.asset_checks.asset_check_evaluation import AssetCheckEvaluationTargetMaterializationData
from dagster._core.storage.asset_check_execution_record import (
    COMPLETED_ASSET_CHECK_EXECUTION_RECORD_STATUSES,
    AssetCheckExecutionRecord,
    AssetCheckExecutionResolvedStatus,
)

from opsla_dagster.assets.factory import TableAsset, checks_of, judge_again
from opsla_dagster.assets.graph import table_assets
from opsla_dagster.assets.made_dates import made_dates
from opsla_dagster.assets.scope import Scope
from opsla_dagster.automation.delivery import channel_names, ui_url_of
from opsla_dagster.automation.failures import Describe, alerts_of_late_verdicts, is_tried_again
from opsla_dagster.automation.ledger import FOLDER, Ledger
from opsla_dagster.automation.schedule import build_partitions
from opsla_dagster.catalog import Kind
from opsla_dagster.checks.outcome import Outcome
from opsla_dagster.errors import OpslaError
from opsla_dagster.instance.check_rows import ChecksByDate, dates_text
from opsla_dagster.settings import Settings
from opsla_dagster.sources.desk import build_desk
from opsla_dagster.warehouse.connection import LOCK_PATIENCE_SECONDS, reading, relation_names
from opsla_dagster.window import Dates, dates_of, ranges_of

_TOLD_BY = "opsla"
#: A step that has begun and has not ended was cut off with its process.
_STEP_BEGINS = {dg.DagsterEventType.STEP_START, dg.DagsterEventType.STEP_RESTARTED}
_STEP_ENDS = {dg.DagsterEventType.STEP_SUCCESS, dg.DagsterEventType.STEP_FAILURE, dg.DagsterEventType.STEP_SKIPPED, dg.DagsterEventType.STEP_UP_FOR_RETRY}
_JUDGED = (AssetCheckExecutionResolvedStatus.SUCCEEDED, AssetCheckExecutionResolvedStatus.FAILED)


@dataclass(frozen=True)
class Restored:
    """Verdicts that were told to Dagster: their number, and those that are no good, each as `table, dates: what was found`."""

    told: int
    warnings: tuple[str, ...]
    errors: tuple[str, ...]

    def __add__(self, other: Restored) -> Restored:
        return Restored(self.told + other.told, self.warnings + other.warnings, self.errors + other.errors)

    def sentences(self) -> list[str]:
        """What a person should know, a line each; nothing where nothing was missing."""
        if not self.told:
            return []
        failed = [f"  failed: {found}" for found in (*self.errors, *self.warnings)]
        return [f"Judged again, because Dagster's history had no verdict: {self.told:,} checks, {len(failed)} of them failed.", *failed]


NOTHING_RESTORED = Restored(0, (), ())
#: What a command that found such rows ends with.
FORBIDDEN_ROWS = "tables hold rows that their checks forbid (see above), which no run would have kept; `opsla run` over their dates makes them anew"

#: A table, the dates that its verdict is about (None: it has none), and the verdict.
_Found = tuple[TableAsset, str | None, Outcome]


def restore_verdicts(settings: Settings, instance: dg.DagsterInstance, connection: duckdb.DuckDBPyConnection) -> Restored:
    """Judges what the warehouse holds and the history has no verdict on, and tells Dagster.

    Of dates that are not made to the end nothing is judged: the next refresh makes them. A history that opsla does not keep itself
    knows no verdicts by date, and is left as it is.
    """
    if not isinstance(instance.event_log_storage, ChecksByDate):
        return NOTHING_RESTORED
    found = _judged(settings, instance, connection, relation_names(connection))
    return _told(instance, found)


def restore_cut_off_verdicts(
    settings: Settings, instance: dg.DagsterInstance, describe: Describe, *, patience_seconds: float = LOCK_PATIENCE_SECONDS
) -> Restored:
    """The same of the tables that an ended run was at work on when its process died, whoever started it; records the alerts of what fails, for who sends.

    Each run is looked at until it is done with, once: also where whoever found it ended was stopped before. One that is tried again is
    left to the retry, which makes these tables anew. Raises OpslaError when somebody works on the warehouse, or the home cannot hold the memory of alerts.
    """
    if not isinstance(instance.event_log_storage, ChecksByDate) or not settings.home.warehouse.exists():
        return NOTHING_RESTORED
    home, ledger = settings.home.root, Ledger(settings.home.root / FOLDER)
    channels, ui_url = channel_names(settings.alerts, home), ui_url_of(settings.alerts, home)
    restored = NOTHING_RESTORED
    for run in _not_looked_at(instance, ledger):
        if tables := _cut_off(instance, run.run_id):
            try:
                with reading(settings.home.warehouse, patience_seconds=patience_seconds) as connection:
                    found = _judged(settings, instance, connection, tables & relation_names(connection))
            except duckdb.Error as error:  # rows that only an upgrade makes fit
                raise OpslaError(f"{settings.home.warehouse}: {', '.join(sorted(tables))} cannot be judged again: {error}") from error
            evaluations = [_evaluation(instance, *each) for each in found if not each[2].passed]
            # Before Dagster is told: who is stopped in between judges once more, and the alerts are the same ones.
            ledger.record(f"late {run.run_id}", alerts_of_late_verdicts(run, evaluations, describe, ui_url, time.time()), channels)
            restored += _told(instance, found)
        ledger.record(_source(run.run_id), [], channels)
    return restored


def _not_looked_at(instance: dg.DagsterInstance, ledger: Ledger) -> list[dg.DagsterRun]:
    """Runs that ended without success, the oldest first, whose tables nobody has judged again yet."""
    records = instance.get_run_records(dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]))
    runs = {_source(record.dagster_run.run_id): record.dagster_run for record in reversed(records) if not is_tried_again(record)}
    return [runs[source] for source in ledger.unnoticed(runs)]


def _source(run_id: str) -> str:
    """What the ledger remembers by that the run's tables were judged again."""
    return f"verdicts {run_id}"


def _cut_off(instance: dg.DagsterInstance, run_id: str) -> set[str]:
    """The tables of the run's steps that have begun and not ended."""
    open_steps: set[str] = set()
    for record in instance.get_records_for_run(run_id, of_type={*_STEP_BEGINS, *_STEP_ENDS}).records:
        entry = record.event_log_entry
        if entry.dagster_event_type in _STEP_ENDS:
            open_steps.discard(str(entry.step_key))
        else:
            open_steps.add(str(entry.step_key))
    return {step.replace("__", ".") for step in open_steps}


def _judged(settings: Settings, instance: dg.DagsterInstance, connection: duckdb.DuckDBPyConnection, tables: AbstractSet[str]) -> list[_Found]:
    """The verdicts that the history lacks of these tables, found on their rows."""
    made = made_dates(connection).as_of
    desk, as_of_at, whole = build_desk(settings), max(made.values(), default=datetime(1970, 1, 1)), set(made)
    found: list[_Found] = []
    for line in (line for line in table_assets(settings) if line.name in tables):
        for dates, checks in _missing(settings, instance, line, whole).items():
            scope = Scope(connection, desk, settings, as_of_at, dates)
            found += [(line, dates_text(map(str, dates.dates())) if dates else None, outcome) for outcome in judge_again(line, scope, checks)]
    return found


def _told(instance: dg.DagsterInstance, found: Sequence[_Found]) -> Restored:
    for each in found:
        instance.report_runless_asset_event(_evaluation(instance, *each))
    failed = [each for each in found if not each[2].passed]
    return Restored(
        len(found),
        tuple(_sentence(*each) for each in failed if not each[2].stops_the_run),
        tuple(_sentence(*each) for each in failed if each[2].stops_the_run),
    )


def _missing(settings: Settings, instance: dg.DagsterInstance, line: TableAsset, whole: AbstractSet[date]) -> Mapping[Dates | None, set[str]]:
    """The table's checks without a verdict, by the dates that lack it; None: of a table without dates."""
    key = dg.AssetKey(line.table.asset_key)
    names = checks_of(line, settings)
    missing: dict[Dates | None, set[str]] = {}
    if line.table.kind is Kind.PARTITIONED:
        partitions = build_partitions(settings)
        known = {date.fromisoformat(day) for day in instance.get_materialized_partitions(key)}
        states = instance.event_log_storage.get_asset_check_state([(dg.AssetCheckKey(key, name), partitions) for name in names])
        for check_key, state in states.items():
            judged = {date.fromisoformat(day) for status in _JUDGED for day in state.subsets[status].subset_value.get_partition_keys()}
            if lacking := (known & whole) - judged:
                missing.setdefault(dates_of(ranges_of(lacking)), set()).add(check_key.name)
        return missing
    made = _latest_materialisation(instance, key)
    if made is None:
        return {}
    latest = instance.event_log_storage.get_latest_asset_check_execution_by_key([dg.AssetCheckKey(key, name) for name in names])
    lacking_checks = {name for name in names if not _is_judged(latest.get(dg.AssetCheckKey(key, name)), made)}
    return {None: lacking_checks} if lacking_checks else {}


def _is_judged(record: AssetCheckExecutionRecord | None, made: dg.EventLogRecord) -> bool:
    """Whether the latest word on a check is a verdict, and on the rows that were made last. What was planned by a run that is gone is none."""
    return record is not None and record.event is not None and record.status in COMPLETED_ASSET_CHECK_EXECUTION_RECORD_STATUSES and record.event.timestamp >= made.timestamp


def _latest_materialisation(instance: dg.DagsterInstance, key: dg.AssetKey) -> dg.EventLogRecord | None:
    return next(iter(instance.fetch_materializations(key, limit=1).records), None)


def _evaluation(instance: dg.DagsterInstance, line: TableAsset, partition: str | None, outcome: Outcome) -> dg.AssetCheckEvaluation:
    key = dg.AssetKey(line.table.asset_key)
    made = _latest_materialisation(instance, key) if partition is None else None
    result = outcome.to_dagster(line.table.asset_key)
    return dg.AssetCheckEvaluation(
        asset_key=key,
        check_name=outcome.check,
        passed=outcome.passed,
        metadata={**result.metadata, "told_by": _TOLD_BY},
        severity=outcome.severity,
        description=outcome.description,
        blocking=outcome.severity is dg.AssetCheckSeverity.ERROR,
        partition=partition,
        target_materialization_data=_target(made) if made else None,
    )


def _target(made: dg.EventLogRecord) -> AssetCheckEvaluationTargetMaterializationData:
    return AssetCheckEvaluationTargetMaterializationData(storage_id=made.storage_id, run_id=made.run_id, timestamp=made.timestamp)


def _sentence(line: TableAsset, partition: str | None, outcome: Outcome) -> str:
    return f"{line.name}{f', {partition}' if partition else ''}: {outcome.check}: {outcome.description}"
