"""Verdicts of checks that Dagster's history lacks, found anew on the rows that are there: a run was killed before it could tell them, or the history was lost.

Belongs here: which verdicts are missing, and telling them. Does not belong here: the checks, and how they judge (assets/factory.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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
from opsla_dagster.automation.schedule import build_partitions
from opsla_dagster.catalog import Kind
from opsla_dagster.checks.outcome import Outcome
from opsla_dagster.instance.check_rows import ChecksByDate, dates_text
from opsla_dagster.settings import Settings
from opsla_dagster.sources.desk import build_desk
from opsla_dagster.warehouse.connection import relation_names
from opsla_dagster.window import Dates, dates_of, ranges_of

_TOLD_BY = "opsla"
_JUDGED = (AssetCheckExecutionResolvedStatus.SUCCEEDED, AssetCheckExecutionResolvedStatus.FAILED)


@dataclass(frozen=True)
class Restored:
    """Verdicts that were told to Dagster: their number, and those that are no good, each as `table, dates: what was found`."""

    told: int
    warnings: tuple[str, ...]
    errors: tuple[str, ...]

    def sentences(self) -> list[str]:
        """What a person should know, a line each; nothing where nothing was missing."""
        if not self.told:
            return []
        failed = [f"  failed: {found}" for found in (*self.errors, *self.warnings)]
        return [f"Judged again, because Dagster's history had no verdict: {self.told:,} checks, {len(failed)} of them failed.", *failed]


def restore_verdicts(
    settings: Settings, instance: dg.DagsterInstance, connection: duckdb.DuckDBPyConnection, tables: AbstractSet[str] | None = None
) -> Restored:
    """Judges what the warehouse holds and the history has no verdict on, of `tables` or all of them, and tells Dagster.

    Of dates that are not made to the end nothing is judged: the next refresh makes them. A history that opsla does not keep itself
    knows no verdicts by date, and is left as it is.
    """
    if not isinstance(instance.event_log_storage, ChecksByDate):
        return Restored(0, (), ())
    present = relation_names(connection)
    lines = [line for line in table_assets(settings) if line.name in present and (tables is None or line.name in tables)]
    made = made_dates(connection).as_of
    desk, as_of_at, whole = build_desk(settings), max(made.values(), default=datetime(1970, 1, 1)), set(made)
    found: list[tuple[TableAsset, str | None, Outcome]] = []
    for line in lines:
        for dates, checks in _missing(settings, instance, line, whole).items():
            scope = Scope(connection, desk, settings, as_of_at, dates)
            found += [(line, dates_text(map(str, dates.dates())) if dates else None, outcome) for outcome in judge_again(line, scope, checks)]
    for line, partition, outcome in found:
        _tell(instance, line, partition, outcome)
    failed = [(line, partition, outcome) for line, partition, outcome in found if not outcome.passed]
    return Restored(
        len(found),
        tuple(_sentence(*each) for each in failed if not each[2].stops_the_run),
        tuple(_sentence(*each) for each in failed if each[2].stops_the_run),
    )


def tables_of_runs(instance: dg.DagsterInstance, run_ids: Iterable[str]) -> set[str]:
    """The tables that these runs told to have made."""
    made = [
        record.event_log_entry.get_dagster_event().asset_key
        for run_id in run_ids
        for record in instance.get_records_for_run(run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION).records
    ]
    return {".".join(key.path) for key in made if key is not None}


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


def _tell(instance: dg.DagsterInstance, line: TableAsset, partition: str | None, outcome: Outcome) -> None:
    key = dg.AssetKey(line.table.asset_key)
    made = _latest_materialisation(instance, key) if partition is None else None
    result = outcome.to_dagster(line.table.asset_key)
    instance.report_runless_asset_event(
        dg.AssetCheckEvaluation(
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
    )


def _target(made: dg.EventLogRecord) -> AssetCheckEvaluationTargetMaterializationData:
    return AssetCheckEvaluationTargetMaterializationData(storage_id=made.storage_id, run_id=made.run_id, timestamp=made.timestamp)


def _sentence(line: TableAsset, partition: str | None, outcome: Outcome) -> str:
    return f"{line.name}{f', {partition}' if partition else ''}: {outcome.check}: {outcome.description}"
