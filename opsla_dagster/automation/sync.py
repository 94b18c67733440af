"""Dagster's catalog made to say what the warehouse holds: after its storage was lost, or restored from another day's backup.

Belongs here: comparing the two, and telling Dagster. Does not belong here: making tables; the warehouse is only read.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from datetime import UTC, date, datetime

import dagster as dg
import duckdb
from dagster._core.events import (
    DagsterEvent,
    DagsterEventBatchMetadata,
    DagsterEventType,
    StepMaterializationData,
)
from dagster._core.instance.utils import RUNLESS_JOB_NAME, RUNLESS_RUN_ID

from opsla_dagster.assets.factory import PARTITION_ROWS, TABLE_ROWS
from opsla_dagster.assets.graph import table_assets
from opsla_dagster.assets.made_dates import made_dates
from opsla_dagster.assets.operations import PUBLISHED_MARTS
from opsla_dagster.automation.verdicts import Restored, restore_verdicts
from opsla_dagster.catalog import Kind, Table
from opsla_dagster.settings import Settings
from opsla_dagster.warehouse.connection import reading, relation_names

_TOLD_BY = "opsla sync"


@dataclass(frozen=True)
class Synced:
    """What changed in the catalog: materialisations and verdicts told to it, tables of which dates were forgotten; and the dates left out, not made whole."""

    told: int
    forgotten: tuple[str, ...]
    half_made: tuple[date, ...]
    restored: Restored


def sync_catalog(settings: Settings, instance: dg.DagsterInstance) -> Synced:
    """Tells Dagster of every table and intake date that the warehouse holds and the catalog lacks; forgets what it does not hold.

    A date counts once all its tables were made of its last load; one that was not shows as missing, and of other dates nothing changes.
    Raises OpslaError when there is no warehouse, or a run works on it.
    """
    with reading(settings.home.warehouse) as connection:
        present = relation_names(connection)
        dates = made_dates(connection)
        forgotten: list[str] = []
        events: list[tuple[dg.AssetMaterialization, datetime | None]] = []
        for table in (line.table for line in table_assets(settings)):
            key = dg.AssetKey(table.asset_key)
            holds = dict(dates.as_of) if table.name in present else {}
            if table.kind is not Kind.PARTITIONED:
                events += _whole(instance, key, table.name in present, forgotten)
                continue
            known = {date.fromisoformat(day) for day in instance.get_materialized_partitions(key)}
            gone = {day.isoformat() for day in known - set(holds)}
            if gone and not _forget_dates(instance, key, gone, forgotten):
                # Dagster leaves out what happened before it was told to forget: the instants of the loads will not do.
                events += [(event, None) for event, _ in _by_date(connection, table, holds)]
            else:
                events += _by_date(connection, table, {day: as_of for day, as_of in holds.items() if day not in known})
        events += _whole(instance, PUBLISHED_MARTS, settings.home.marts_database.exists(), forgotten)
        _tell(instance, events)
        restored = restore_verdicts(settings, instance, connection)
    return Synced(len(events), tuple(forgotten), dates.half_made, restored)


def _whole(
    instance: dg.DagsterInstance, key: dg.AssetKey, is_present: bool, forgotten: list[str]
) -> Iterator[tuple[dg.AssetMaterialization, datetime | None]]:
    """Of what is not partitioned."""
    is_known = instance.get_latest_materialization_event(key) is not None
    if is_known and not is_present:
        _forget(instance, key, forgotten)
    if is_present and not is_known:
        yield dg.AssetMaterialization(key, metadata={"told_by": _TOLD_BY}), None


def _by_date(
    connection: duckdb.DuckDBPyConnection, table: Table, as_of: Mapping[date, datetime]
) -> Iterator[tuple[dg.AssetMaterialization, datetime | None]]:
    if not as_of:
        return
    column = table.partition_column
    rows = dict(connection.execute(f"select {column}, count(*) from {table.name} group by all").fetchall())
    total = sum(rows.values())
    for day, as_of_at in as_of.items():
        metadata = {PARTITION_ROWS: rows.get(day, 0), TABLE_ROWS: total, "as_of_at": f"{as_of_at.isoformat()}Z", "told_by": _TOLD_BY}
        yield dg.AssetMaterialization(table.asset_key, partition=day.isoformat(), metadata=metadata), as_of_at


def _forget_dates(instance: dg.DagsterInstance, key: dg.AssetKey, dates: Set[str], forgotten: list[str]) -> bool:
    """Whether these dates alone were forgotten: a storage that opsla does not bring knows no other way than the whole table."""
    try:
        instance.wipe_asset_partitions(key, sorted(dates))
    except NotImplementedError:
        _forget(instance, key, forgotten)
        return False
    forgotten.append(".".join(key.path))
    return True


def _forget(instance: dg.DagsterInstance, key: dg.AssetKey, forgotten: list[str]) -> None:
    instance.wipe_assets([key])
    forgotten.append(".".join(key.path))


def _tell(instance: dg.DagsterInstance, events: Iterable[tuple[dg.AssetMaterialization, datetime | None]]) -> None:
    """In one batch; the instant of a date's event is that of its load, so that old dates do not pass for fresh."""
    listed = list(events)
    batch = str(uuid.uuid4())
    for number, (materialization, at) in enumerate(listed, start=1):
        event = DagsterEvent(
            event_type_value=DagsterEventType.ASSET_MATERIALIZATION.value,
            event_specific_data=StepMaterializationData(materialization),
            job_name=RUNLESS_JOB_NAME,
        )
        instance.report_dagster_event(
            event,
            run_id=RUNLESS_RUN_ID,
            batch_metadata=DagsterEventBatchMetadata(batch, number == len(listed)),
            timestamp=at.replace(tzinfo=UTC).timestamp() if at else None,
        )
