"""The daily schedule, and the run requests that a refresh is made of.

Belongs here: turning windows into range runs. Does not belong here: which windows (refresh.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time

import dagster as dg

from opsla_dagster.assets.ops import REFRESH_TAG
from opsla_dagster.assets.scope import AS_OF_TAG
from opsla_dagster.automation.refresh import refresh_windows
from opsla_dagster.settings import Settings
from opsla_dagster.sources.desk import build_desk
from opsla_dagster.window import Window

#: When the daily refresh starts, in the desk's zone.
REFRESH_AT = time(1, 0)
RANGE_START_TAG = "dagster/asset_partition_range_start"
RANGE_END_TAG = "dagster/asset_partition_range_end"


def build_partitions(settings: Settings) -> dg.DailyPartitionsDefinition:
    """One partition an intake date, open-ended from the configured start, in the desk's zone."""
    desk = settings.sources.desk
    return dg.DailyPartitionsDefinition(start_date=desk.start_date.isoformat(), timezone=desk.timezone)


def range_tags(window: Window, as_of_at: datetime) -> dict[str, str]:
    """The tags that make a run cover `window`, as of a naive UTC instant."""
    return {
        RANGE_START_TAG: window.start.isoformat(),
        RANGE_END_TAG: window.last.isoformat(),
        AS_OF_TAG: as_of_at.replace(tzinfo=UTC).isoformat(),
    }


def build_daily_refresh(settings: Settings) -> dg.ScheduleDefinition:
    """The schedule that refreshes at 01:00 in the desk's zone: one range run a window, the last one publishes."""
    everything = dg.AssetSelection.all()
    dated = everything - dg.AssetSelection.keys(*unpartitioned_keys())

    @dg.schedule(
        name="daily_refresh",
        cron_schedule=f"{REFRESH_AT.minute} {REFRESH_AT.hour} * * *",
        execution_timezone=settings.sources.desk.timezone,
        target=everything,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Yesterday, and exactly the intake dates that received events since the last refresh.",
    )
    def daily_refresh(context: dg.ScheduleEvaluationContext) -> Iterator[dg.RunRequest]:
        as_of_at = context.scheduled_execution_time.astimezone(UTC).replace(tzinfo=None)
        yield from []
        del as_of_at

    del dated
    return daily_refresh
