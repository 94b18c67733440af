"""What one asset's execution is about: its window of intake dates and the instant up to which things are known.

Belongs here: reading both off a Dagster context. Does not belong here: what is done with them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime

import dagster as dg
import duckdb

from opsla_dagster.catalog import Kind, Table
from opsla_dagster.errors import OpslaError
from opsla_dagster.settings import Settings
from opsla_dagster.sources.desk import Desk
from opsla_dagster.warehouse.connection import Warehouse
from opsla_dagster.window import ONE_DAY, Window

#: Run tag: what is known up to this instant (ISO, UTC) is what the run says. Without it, the instant the run was made.
AS_OF_TAG = "opsla/as_of"


@dataclass(frozen=True)
class Scope:
    """The surroundings of one asset's execution."""

    connection: duckdb.DuckDBPyConnection
    desk: Desk
    settings: Settings
    as_of_at: datetime
    range: Window | None

    @property
    def window(self) -> Window:
        """The intake dates to make; only partitioned tables have them."""
        if self.range is None:
            raise OpslaError("this table is not partitioned: it has no window of intake dates")
        return self.range


def scope_of(context: dg.AssetExecutionContext, settings: Settings, table: Table) -> Scope:
    """The scope of this execution; opens the run's connection."""
    warehouse: Warehouse = context.resources.warehouse
    return Scope(
        connection=warehouse.connection(),
        desk=context.resources.desk,
        settings=settings,
        as_of_at=_as_of_at(context),
        range=_window(context) if table.kind is Kind.PARTITIONED else None,
    )


def _as_of_at(context: dg.AssetExecutionContext) -> datetime:
    stamp = context.run.tags.get(AS_OF_TAG)
    if stamp is not None:
        return parse_instant(stamp)
    record = context.instance.get_run_record_by_id(context.run.run_id)
    if record is None:
        raise OpslaError(f"run {context.run.run_id} is not in Dagster's storage")
    made_at: datetime = record.create_timestamp
    return made_at.astimezone(UTC).replace(tzinfo=None, microsecond=0)


def parse_instant(text: str) -> datetime:
    """An ISO instant as naive UTC; without an offset it is UTC already."""
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as error:
        raise OpslaError(f"{text!r} is not an instant; write 2025-12-28T06:00:00+00:00, without an offset it is UTC") from error
    return instant if instant.tzinfo is None else instant.astimezone(UTC).replace(tzinfo=None)


def _window(context: dg.AssetExecutionContext) -> Window:
    keys = context.partition_key_range
    return Window(date.fromisoformat(keys.start), date.fromisoformat(keys.end) + ONE_DAY)
