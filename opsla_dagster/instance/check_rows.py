"""Verdicts of checks by partition, one row a check and run (docs/decisions/0029-checks-by-partition.md).

Dagster plans a check of a partitioned table with one row a date, and records what a run over a range found in one more row without a
date: its catalog then shows every date as planned for ever. Here a check has one row a run, whose `partition` names the dates: one date,
or ranges as `2025-07-01...2025-07-31, 2025-08-04`. Belongs here: writing those rows, and answering by date from them; the same for SQLite
and Postgres. Does not belong here: events in batches (storage.py, postgres.py) and what is forgotten (retention.py).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from typing import Any, TypeAlias

import sqlalchemy as db
from dagster import (
    AssetCheckKey,
    AssetKey,
    DagsterEventType,
    DagsterRunStatus,
    RunsFilter,
    TimeWindowPartitionsDefinition,
)
from dagster._core.asset_graph_view.serializable_entity_subset import SerializableEntitySubset
from dagster._core.definitions.partitions.definition import PartitionsDefinition
from dagster._core.definitions.partitions.subset import PartitionsSubset
from dagster._core.event_api import PartitionKeyFilter
from dagster._core.events.log import EventLogEntry
from dagster._core.storage.asset_check_execution_record import (
    AssetCheckExecutionRecord,
    AssetCheckExecutionRecordStatus,
    AssetCheckExecutionResolvedStatus,
)
from dagster._core.storage.asset_check_state import AssetCheckState
from dagster._core.storage.dagster_run import FINISHED_STATUSES, DagsterRun
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable, SqlEventLogStorageTable
from dagster._core.storage.event_log.sql_event_log import SqlEventLogStorage
from dagster._serdes import serialize_value
from dagster_shared.record import replace
from sqlalchemy.engine import Connection
from sqlalchemy.sql.elements import ColumnElement

from opsla_dagster.catalog import PUBLISHED, TABLES, Kind
from opsla_dagster.window import DATES_TAG, parse_dates

_FROM_TO, _AND = "...", ", "
_KEY_LENGTH = len("2025-07-01")
_ROWS = AssetCheckExecutionsTable.c
_EVENTS = SqlEventLogStorageTable.c
#: An asset that is no table.
_PUBLISHED = list(PUBLISHED)

#: A row of asset_check_executions, of which columns depends on the question.
_Row: TypeAlias = Any

_PLANNED = AssetCheckExecutionRecordStatus.PLANNED.value
_VERDICTS = {
    AssetCheckExecutionRecordStatus.SUCCEEDED.value: AssetCheckExecutionResolvedStatus.SUCCEEDED,
    AssetCheckExecutionRecordStatus.FAILED.value: AssetCheckExecutionResolvedStatus.FAILED,
}


def dates_text(keys: Iterable[str]) -> str | None:
    """Partition keys (ISO dates, in any order) as the fewest ranges: `2025-07-01...2025-07-31, 2025-08-04`; None without any."""
    days = sorted({date.fromisoformat(key) for key in keys})
    ranges = []
    for _, grouped in groupby(enumerate(days), key=lambda pair: pair[1] - timedelta(days=pair[0])):
        run = [day.isoformat() for _, day in grouped]
        ranges.append(run[0] if len(run) == 1 else f"{run[0]}{_FROM_TO}{run[-1]}")
    return _AND.join(ranges) or None


def dates_of(text: str) -> Iterator[str]:
    """The partition keys that `dates_text` made `text` of, in order."""
    for part in text.split(_AND):
        first, _, last = part.partition(_FROM_TO)
        if not last:
            yield first
            continue
        start = date.fromisoformat(first)
        for offset in range((date.fromisoformat(last) - start).days + 1):
            yield (start + timedelta(days=offset)).isoformat()


def planned_row(event: EventLogEntry, event_id: int, stored: Mapping[str, Any], tags: Mapping[str, str]) -> dict[str, Any]:
    """The row of a planned check: of a range one row, not one a date.

    `stored` has the event's text and its instant (naive UTC), `tags` are the run's: of dates with gaps Dagster plans the whole range.
    """
    planned = event.get_dagster_event().asset_check_planned_data
    return {
        "asset_key": planned.asset_key.to_string(),
        "check_name": planned.check_name,
        "partition": _dates_of_check(planned.asset_key, planned.partitions_subset, tags),
        "run_id": event.run_id,
        "execution_status": _PLANNED,
        "evaluation_event": stored["event"],
        "evaluation_event_timestamp": stored["timestamp"],
        "evaluation_event_storage_id": event_id,
    }


def _dates_of_check(asset_key: AssetKey, planned: PartitionsSubset | None, tags: Mapping[str, str]) -> str | None:
    """The dates that a check is about, as `dates_text`; None of a table that has none. `planned` is what Dagster planned, `tags` are the run's.

    Dagster plans the dates of a partitioned job for every asset of it, and plans nothing where we tell which dates are made.
    """
    table = TABLES.get(".".join(asset_key.path))
    is_dated = table is not None and table.kind is Kind.PARTITIONED
    if (table is not None or asset_key.path == _PUBLISHED) and not is_dated:
        return None
    if is_dated and DATES_TAG in tags:
        return dates_text(day.isoformat() for day in parse_dates(tags[DATES_TAG]).dates())
    return dates_text(planned.get_partition_keys()) if planned else None


def latest_materializations(connection: Connection, asset_key: AssetKey) -> Mapping[str, int]:
    """By date, the id of the event that told of the table's rows last."""
    rows = connection.execute(
        db.select(_EVENTS.partition, db.func.max(_EVENTS.id))
        .where(
            _EVENTS.asset_key == asset_key.to_string(),
            _EVENTS.dagster_event_type == DagsterEventType.ASSET_MATERIALIZATION.value,
            _EVENTS.partition.is_not(None),
        )
        .group_by(_EVENTS.partition)
    ).fetchall()
    return {row[0]: row[1] for row in rows}


class ChecksByDate(SqlEventLogStorage):
    """What a Dagster event storage says of checks, with one row a check and run; to be mixed in before a storage of Dagster's."""

    def _store_asset_check_evaluation_planned(self, event: EventLogEntry, event_id: int | None) -> None:
        stored = {"event": serialize_value(event), "timestamp": datetime.fromtimestamp(event.timestamp, UTC).replace(tzinfo=None)}
        with self.index_connection() as connection:
            connection.execute(AssetCheckExecutionsTable.insert(), [planned_row(event, event_id or 0, stored, self.tags_of(event))])

    _last_run: DagsterRun | None = None

    def tags_of(self, event: EventLogEntry) -> Mapping[str, str]:
        """The tags with which the run was made that an event is of; none where the run is not known."""
        # Kept, as reading a run takes as long as storing an event: a process stores those of one run.
        if self._last_run is None or self._last_run.run_id != event.run_id:
            self._last_run = self._instance.get_run_by_id(event.run_id)
        return self._last_run.tags if self._last_run else {}

    def _update_asset_check_evaluation(self, event: EventLogEntry, event_id: int | None) -> None:
        super()._update_asset_check_evaluation(self._with_planned_dates(event), event_id)

    def _with_planned_dates(self, event: EventLogEntry) -> EventLogEntry:
        """Of a run over a range Dagster does not say which dates a check was about; what was planned says it."""
        happened = event.get_dagster_event()
        evaluation = happened.asset_check_evaluation_data
        if evaluation.partition is not None:
            return event
        with self.index_connection() as connection:
            planned = connection.execute(
                db.select(_ROWS.partition).where(
                    _ROWS.asset_key == evaluation.asset_key.to_string(),
                    _ROWS.check_name == evaluation.check_name,
                    _ROWS.run_id == event.run_id,
                )
            ).scalar()
        dates = planned or _dates_of_check(evaluation.asset_key, None, self.tags_of(event))
        if dates is None:
            return event
        dated = happened._replace(event_specific_data=replace(evaluation, partition=dates))
        return event._replace(dagster_event=dated)

    def _get_asset_check_partition_filter_clause(self, partition_filter: PartitionKeyFilter | None) -> ColumnElement[bool] | bool:
        """Rows about the date itself, and those of ranges that may hold it."""
        if partition_filter is None or partition_filter.key is None:
            return super()._get_asset_check_partition_filter_clause(partition_filter)  # type: ignore[no-any-return]
        first = db.func.substr(_ROWS.partition, 1, _KEY_LENGTH)
        last = db.func.substr(_ROWS.partition, db.func.length(_ROWS.partition) - _KEY_LENGTH + 1, _KEY_LENGTH)
        key = partition_filter.key
        return db.or_(_ROWS.partition == key, db.and_(db.func.length(_ROWS.partition) > _KEY_LENGTH, first <= key, last >= key))

    def get_asset_check_execution_history(
        self,
        check_key: AssetCheckKey,
        limit: int,
        cursor: int | None = None,
        status: Set[AssetCheckExecutionRecordStatus] | None = None,
        partition_filter: PartitionKeyFilter | None = None,
    ) -> Sequence[AssetCheckExecutionRecord]:
        key = partition_filter.key if partition_filter else None
        found: list[AssetCheckExecutionRecord] = []
        while True:
            page = super().get_asset_check_execution_history(check_key, limit, cursor, status, partition_filter)
            # Ranges with a gap: a date in it was not looked at.
            found += [record for record in page if key is None or _AND not in (record.partition or "") or key in dates_of(record.partition or "")]
            if len(found) >= limit or len(page) < limit:
                return found[:limit]
            cursor = page[-1].id

    def get_asset_check_state(
        self, keys: Sequence[tuple[AssetCheckKey, PartitionsDefinition | None]]
    ) -> Mapping[AssetCheckKey, AssetCheckState]:
        """By check, the dates with each status: that of the latest run about the date, unless its rows were made anew since."""
        dated = {key: definition for key, definition in keys if isinstance(definition, TimeWindowPartitionsDefinition)}
        states = dict(super().get_asset_check_state([pair for pair in keys if pair[0] not in dated]))
        if not dated:
            return states
        rows = self._rows_by_check({key.asset_key for key in dated})
        made = {asset_key: self._latest_materializations(asset_key) for asset_key in {key.asset_key for key in dated}}
        planned_runs = {row.run_id for key in dated for row in rows[key] if row.execution_status == _PLANNED}
        ended = self._ended_runs(planned_runs)
        subsets = _Subsets()
        for key, definition in dated.items():
            states[key] = _state(key, definition, rows[key], made[key.asset_key], ended, subsets)
        return states

    def _rows_by_check(self, asset_keys: Set[AssetKey]) -> Mapping[AssetCheckKey, list[_Row]]:
        """Rows of these tables' checks that name dates, the latest first."""
        by_check: dict[AssetCheckKey, list[_Row]] = defaultdict(list)
        with self.index_connection() as connection:
            rows = connection.execute(
                db.select(
                    _ROWS.asset_key, _ROWS.check_name, _ROWS.partition, _ROWS.run_id, _ROWS.execution_status, _ROWS.evaluation_event_storage_id
                )
                .where(_ROWS.asset_key.in_([key.to_string() for key in asset_keys]), _ROWS.partition.is_not(None))
                .order_by(_ROWS.id.desc())
            ).fetchall()
        for row in rows:
            asset_key = AssetKey.from_db_string(row.asset_key)
            if asset_key is not None:
                by_check[AssetCheckKey(asset_key, row.check_name)].append(row)
        return by_check

    def _latest_materializations(self, asset_key: AssetKey) -> Mapping[str, int]:
        with self.index_connection() as connection:
            return latest_materializations(connection, asset_key)

    def _ended_runs(self, run_ids: Set[str]) -> Mapping[str, DagsterRunStatus]:
        if not run_ids:
            return {}
        unfinished = set(DagsterRunStatus) - set(FINISHED_STATUSES)
        running = {run.run_id for run in self._instance.get_runs(filters=RunsFilter(run_ids=list(run_ids), statuses=list(unfinished)))}
        ended = [DagsterRunStatus.SUCCESS, DagsterRunStatus.CANCELED]
        skipped = {run.run_id for run in self._instance.get_runs(filters=RunsFilter(run_ids=list(run_ids), statuses=ended))}
        # A run that is not known any more has ended too, and failed: of one that succeeded nothing stays planned.
        return {
            run_id: DagsterRunStatus.CANCELED if run_id in skipped else DagsterRunStatus.FAILURE for run_id in run_ids if run_id not in running
        }


class _Subsets:
    """Sets of dates in Dagster's form. Checks of one run share theirs, and making one takes a millisecond."""

    def __init__(self) -> None:
        self._made: dict[tuple[frozenset[str], str], PartitionsSubset] = {}

    def of(self, keys: Set[str], definition: PartitionsDefinition) -> PartitionsSubset:
        name = (frozenset(keys), repr(definition))
        if name not in self._made:
            self._made[name] = definition.subset_with_partition_keys(sorted(keys))
        return self._made[name]


def _state(
    key: AssetCheckKey,
    definition: TimeWindowPartitionsDefinition,
    rows: Sequence[_Row],
    made: Mapping[str, int],
    ended: Mapping[str, DagsterRunStatus],
    subsets: _Subsets,
) -> AssetCheckState:
    seen: set[str] = set()
    dates: dict[AssetCheckExecutionResolvedStatus, set[str]] = {status: set() for status in AssetCheckExecutionResolvedStatus}
    in_progress: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        fresh = {day for day in dates_of(row.partition) if day not in seen and definition.has_partition_key(day)}
        seen |= fresh
        if row.execution_status in _VERDICTS:
            # What was judged are the rows of the run itself, which are told of before the verdict, if they were kept at all.
            dates[_VERDICTS[row.execution_status]] |= {day for day in fresh if made.get(day, 0) < row.evaluation_event_storage_id}
        elif row.run_id not in ended:
            dates[AssetCheckExecutionResolvedStatus.IN_PROGRESS] |= fresh
            in_progress[row.run_id] |= fresh
        elif ended[row.run_id] is DagsterRunStatus.FAILURE:
            dates[AssetCheckExecutionResolvedStatus.EXECUTION_FAILED] |= fresh
        else:
            dates[AssetCheckExecutionResolvedStatus.SKIPPED] |= fresh
    latest = max([*made.values(), *(row.evaluation_event_storage_id or 0 for row in rows)], default=0)
    return AssetCheckState(
        latest_storage_id=latest,
        subsets={status: SerializableEntitySubset(key, subsets.of(days, definition)) for status, days in dates.items()},
        in_progress_runs={run_id: SerializableEntitySubset(key, subsets.of(days, definition)) for run_id, days in in_progress.items()},
    )
