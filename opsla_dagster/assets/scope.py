"""What one asset's execution is about: its intake dates and the instant up to which things are known.

Belongs here: reading both off a Dagster context. Does not belong here: what is done with them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime

import dagster as dg
import duckdb
from dagster._core.storage.tags import BACKFILL_ID_TAG

from opsla_dagster.assets.retrying import allow_one_rerun
from opsla_dagster.catalog import Kind, Table
from opsla_dagster.errors import OpslaError
from opsla_dagster.settings import Settings
from opsla_dagster.settings.calendars import CalendarsSettings
from opsla_dagster.sources.desk import Desk
from opsla_dagster.warehouse.connection import Warehouse
from opsla_dagster.window import DATES_TAG, ONE_DAY, Dates, Window, parse_dates, parse_instant

#: Run tag: what is known up to this instant (ISO, UTC) is what the run says. Without it, the instant at which its
#: backfill was made, or the run itself.
AS_OF_TAG = "opsla/as_of"
#: Run tag: the refresh a run belongs to; one of chosen dates (`opsla run`) has it too.
REFRESH_TAG = "opsla/refresh"
#: Run tag of a refresh that looked at every loaded date: of how many intake dates it makes anew, those that had changed.
REFRESH_DATES_TAG = "opsla/refresh_dates"
#: Run tag of the run by which `opsla init` tries what it has written.
TRIAL_TAG = "opsla/trial"
#: The schedule that refreshes every night.
DAILY_REFRESH = "daily_refresh"
#: The one that tries again in a night in which that could not start.
REFRESH_RETRY = "daily_refresh_retry"
#: Run tags of Dagster: the first and the last intake date of a range run, the one of a run of one date.
RANGE_START_TAG = "dagster/asset_partition_range_start"
RANGE_END_TAG = "dagster/asset_partition_range_end"
PARTITION_TAG = "dagster/partition"


@dataclass(frozen=True)
class Scope:
    """The surroundings of one asset's execution."""

    connection: duckdb.DuckDBPyConnection
    desk: Desk
    settings: Settings
    as_of_at: datetime
    #: The intake dates to make; only partitioned tables have them.
    dates: Dates | None
    #: The intake dates the run is about, where it says so; tables that are not partitioned know them too.
    run_dates: Dates | None = None
    #: The refresh the run belongs to; and, where that looked at every loaded date, how many it makes anew.
    refresh: str | None = None
    refresh_dates: int | None = None
    #: A run that only tries a configuration: nobody works by what it shows.
    is_trial: bool = False

    @property
    def calendars(self) -> CalendarsSettings:
        """Those of calendars.yml and those that the sources bring."""
        return self.desk.calendars(self.settings.calendars)

    @property
    def own_dates(self) -> Dates:
        """The intake dates to make. Raises OpslaError for a table that is not partitioned."""
        if self.dates is None:
            raise OpslaError("this table is not partitioned: it has no intake dates of its own")
        return self.dates


def scope_of(context: dg.AssetExecutionContext, settings: Settings, table: Table) -> Scope:
    """The scope of this execution; opens the run's connection."""
    warehouse: Warehouse = context.resources.warehouse
    if not warehouse.is_open:
        allow_one_rerun(context)
    return Scope(
        connection=warehouse.connection(),
        desk=context.resources.desk,
        settings=settings,
        as_of_at=_as_of_at(context),
        dates=_own_dates(context) if table.kind is Kind.PARTITIONED else None,
        run_dates=dates_of_run(context.run.tags),
        refresh=context.run.tags.get(REFRESH_TAG),
        refresh_dates=int(dates) if (dates := context.run.tags.get(REFRESH_DATES_TAG)) else None,
        is_trial=TRIAL_TAG in context.run.tags,
    )


def _as_of_at(context: dg.AssetExecutionContext) -> datetime:
    stamp = context.run.tags.get(AS_OF_TAG)
    if stamp is not None:
        return parse_instant(stamp)
    backfill_id = context.run.tags.get(BACKFILL_ID_TAG)
    backfill = context.instance.get_backfill(backfill_id) if backfill_id else None
    if backfill is not None:  # its runs follow each other, and must not know different things
        return datetime.fromtimestamp(backfill.backfill_timestamp, UTC).replace(tzinfo=None, microsecond=0)
    record = context.instance.get_run_record_by_id(context.run.run_id)
    if record is None:
        raise OpslaError(f"run {context.run.run_id} is not in Dagster's storage")
    made_at: datetime = record.create_timestamp
    return made_at.astimezone(UTC).replace(tzinfo=None, microsecond=0)


def dates_of_run(tags: Mapping[str, str]) -> Dates | None:
    """The intake dates that a run is about; None where its tags name none."""
    if DATES_TAG in tags:
        return parse_dates(tags[DATES_TAG])
    start = tags.get(RANGE_START_TAG) or tags.get(PARTITION_TAG)
    if start is None:
        return None
    return Window(date.fromisoformat(start), date.fromisoformat(tags.get(RANGE_END_TAG, start)) + ONE_DAY)


def _own_dates(context: dg.AssetExecutionContext) -> Dates:
    dates = dates_of_run(context.run.tags)
    if dates is None:
        raise OpslaError("this table is made by intake dates, and the run names none; choose partitions in the UI, or use opsla run")
    return dates
