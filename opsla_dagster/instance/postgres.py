"""Dagster's Postgres storage with plans written in batches and one row a check and run, for shared deployments.

Belongs here: the classes that `storage.custom` in a dagster.yaml with Postgres names. Does not belong here: the embedded storage
(storage.py). Imported only where such a dagster.yaml is: the driver is an extra of the package.

Dagster's own class writes materializations in batches, but what a run plans one event at a time: of a range over 180 dates some six
thousand, each with three statements of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import Any, cast

from dagster import AssetKey, DagsterEventType
from dagster._core.events.log import EventLogEntry
from dagster._core.storage.config import PostgresStorageConfig
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable, SqlEventLogStorageTable
from dagster._serdes import ConfigurableClassData
from dagster_postgres import DagsterPostgresStorage, PostgresEventLogStorage
from dagster_postgres.auth import PgTokenProvider
from dagster_postgres.utils import get_token_provider_from_config, pg_url_from_config
from sqlalchemy.engine import Connection

from opsla_dagster.instance.check_rows import ChecksByDate, planned_row
from opsla_dagster.instance.forgetting import (
    forget_dates,
    forget_log,
    forget_plans,
    forget_replaced,
    last_runs_of_assets,
    runs_with_plans,
)
from opsla_dagster.instance.known_materializations import KnownMaterializations
from opsla_dagster.instance.known_schema import KnownSchema
from opsla_dagster.instance.storage import last_of_each_asset_and_type

_PLANS = frozenset({DagsterEventType.ASSET_MATERIALIZATION_PLANNED, DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED})


class BatchedPostgresEventLogStorage(ChecksByDate, KnownSchema, KnownMaterializations, PostgresEventLogStorage):
    """The same rows in the same tables (of checks: check_rows.py); what a run plans is one transaction."""

    def store_event_batch(self, events: Sequence[EventLogEntry]) -> None:
        """Stores events of one kind or, where all of them are plans, of both kinds: none of them or all."""
        if not events or any(event.dagster_event_type not in _PLANS for event in events):
            super().store_event_batch(events)
            return
        rows = [self._event_to_row(event) for event in events]
        with self.index_transaction() as connection:
            inserted = connection.execute(
                SqlEventLogStorageTable.insert().returning(SqlEventLogStorageTable.c.id, sort_by_parameter_order=True), rows
            )
            self._tell_catalog(connection, events, [int(event_id) for (event_id,) in inserted], rows)

    def _tell_catalog(
        self, connection: Connection, events: Sequence[EventLogEntry], ids: Sequence[int], rows: Sequence[dict[str, Any]]
    ) -> None:
        is_check = [event.dagster_event_type is DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED for event in events]
        for event_id, event in last_of_each_asset_and_type([pair for pair, checks in zip(zip(ids, events, strict=True), is_check, strict=True) if not checks]):
            self._store_asset_event(connection, event, event_id)
        planned = [(event, id_, row) for event, id_, row, checks in zip(events, ids, rows, is_check, strict=True) if checks]
        if planned:
            tags = self.tags_of(planned[0][0])  # a batch is of one run
            checks = [planned_row(event, id_, row, tags) for event, id_, row in planned]
            connection.execute(AssetCheckExecutionsTable.insert(), checks)

    # ---- retention: when, and of which runs, is said in retention.py. Postgres gives room back by itself (autovacuum) ----

    def forget_plans(self, succeeded: AbstractSet[str], failed: AbstractSet[str]) -> None:
        """Deletes what these ended runs had planned; of those that did not succeed, as far as later events replaced it."""
        with self.index_transaction() as connection:
            planned = runs_with_plans(connection)
            forget_plans(connection, planned & succeeded, planned & failed)

    def forget_replaced(self, kept_from: datetime) -> None:
        """Deletes what is older than `kept_from` (UTC, naive) and was replaced since."""
        with self.index_transaction() as connection:
            forget_replaced(connection, kept_from)

    def wipe_asset_partitions(self, asset_key: AssetKey, partition_keys: Sequence[str]) -> None:
        """Forgets these dates of a table; Dagster's own storages cannot."""
        with self.index_transaction() as connection:
            forget_dates(connection, asset_key.to_string(), set(partition_keys))
        self.wipe_asset_cached_status(asset_key)

    def last_runs(self) -> set[str]:
        """The runs that the catalog names as the last of an asset."""
        with self.index_connection() as connection:
            return last_runs_of_assets(connection)

    def forget_run_log(self, run_id: str) -> None:
        """Deletes the run's log; what it materialized stays known."""
        with self.index_transaction() as connection:
            forget_log(connection, run_id)


class BatchedPostgresStorage(DagsterPostgresStorage):
    """Dagster's Postgres storage (runs, events, schedules) over `BatchedPostgresEventLogStorage`; configured in the same way."""

    def __init__(
        self,
        postgres_url: str,
        should_autocreate_tables: bool = True,
        inst_data: ConfigurableClassData | None = None,
        token_provider: PgTokenProvider | None = None,
    ) -> None:
        super().__init__(postgres_url, should_autocreate_tables, inst_data, token_provider)
        self._event_log_storage = BatchedPostgresEventLogStorage(postgres_url, should_autocreate_tables, token_provider=token_provider)

    # Dagster's own `from_config_value` names its class outright and would build the stock storage.
    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]) -> BatchedPostgresStorage:
        return cls(
            pg_url_from_config(cast("PostgresStorageConfig", config_value)),
            config_value.get("should_autocreate_tables", True),
            inst_data,
            get_token_provider_from_config(cast("PostgresStorageConfig", config_value)),
        )
