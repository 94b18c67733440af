"""The daily schedule, and the ranges that a refresh is made of.

Belongs here: turning windows into range runs. Does not belong here: which windows (refresh.py).
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time

import dagster as dg

from opsla_dagster.assets.bronze import bronze_group
from opsla_dagster.assets.operations import PUBLISHED_MARTS, REFRESH_RANGES_TAG
from opsla_dagster.assets.scope import AS_OF_TAG, RANGE_END_TAG, RANGE_START_TAG, REFRESH_DATES_TAG, REFRESH_TAG
from opsla_dagster.automation.refresh import refresh_windows
from opsla_dagster.catalog import Kind
from opsla_dagster.settings import Settings
from opsla_dagster.sources.desk import build_desk
from opsla_dagster.sources.filled import active_tables
from opsla_dagster.sources.loading import enabled_accounts
from opsla_dagster.window import Window

#: When the daily refresh starts, in the desk's zone.
REFRESH_AT = time(1, 0)

#: Before the daily refresh, which wants what is new.
LOAD_AT_MINUTE = 40


@dataclass(frozen=True)
class RangeRun:
    """One run of a refresh: its tags, and the assets it makes."""

    window: Window
    tags: dict[str, str]
    assets: list[dg.AssetKey]


def range_runs(settings: Settings, windows: Sequence[Window], as_of_at: datetime, *, is_refresh: bool) -> list[RangeRun]:
    """One run a window, as of a naive UTC instant; the windows of a refresh are those of `refresh_windows`, and no others.

    Snapshots are made with the first window, since the others read them; what is made from everything loaded, and the
    publishing, come with the last.
    """
    refresh_tags = _refresh_tags(windows, as_of_at)
    if is_refresh:
        refresh_tags[REFRESH_DATES_TAG] = str(sum(window.days for window in windows))
    by_kind: dict[Kind, list[dg.AssetKey]] = {kind: [] for kind in Kind}
    for table in active_tables(settings.sources):
        by_kind[table.kind].append(dg.AssetKey(table.asset_key))
    runs = []
    for number, window in enumerate(windows, start=1):
        assets = list(by_kind[Kind.PARTITIONED])
        if number == 1:
            assets += by_kind[Kind.SNAPSHOT]
        if number == len(windows):
            assets += [*by_kind[Kind.FULL_REFRESH], *by_kind[Kind.VIEW], PUBLISHED_MARTS]
        runs.append(RangeRun(window, {**_range_tags(window), **_as_of_tags(as_of_at), **refresh_tags}, assets))
    return runs


def _range_tags(window: Window) -> dict[str, str]:
    return {
        RANGE_START_TAG: window.start.isoformat(),
        RANGE_END_TAG: window.last.isoformat(),
    }


def _refresh_tags(windows: Sequence[Window], as_of_at: datetime) -> dict[str, str]:
    """The same ranges as of the same instant are the same refresh, so that a range can be run again."""
    ranges = hashlib.sha256(" ".join(map(str, windows)).encode()).hexdigest()[:8]
    return {REFRESH_TAG: f"{as_of_at:%Y%m%dT%H%M%S}-{ranges}", REFRESH_RANGES_TAG: str(len(windows))}


def _as_of_tags(as_of_at: datetime) -> dict[str, str]:
    return {AS_OF_TAG: as_of_at.replace(tzinfo=UTC).isoformat()}


def build_partitions(settings: Settings) -> dg.DailyPartitionsDefinition:
    """One partition an intake date, open-ended from the configured start, in the desk's zone."""
    desk = settings.sources.desk
    return dg.DailyPartitionsDefinition(start_date=desk.start_date.isoformat(), timezone=desk.timezone)


def build_account_loads(settings: Settings) -> list[dg.ScheduleDefinition]:
    """One schedule an account of a ticket system: what is new is loaded every hour, and the daily refresh finds it there."""
    return [
        dg.ScheduleDefinition(
            name=f"load_{account.name}",
            cron_schedule=f"{LOAD_AT_MINUTE} * * * *",
            execution_timezone=settings.sources.desk.timezone,
            target=dg.AssetSelection.groups(bronze_group(account)),
            default_status=dg.DefaultScheduleStatus.RUNNING,
            description=f"What is new in the account {account.name}.",
        )
        for account in enabled_accounts(settings.sources)
    ]


def build_daily_refresh(settings: Settings) -> dg.ScheduleDefinition:
    """The schedule that does what `opsla refresh` does: at 01:00 in the desk's zone, one range run a window."""

    @dg.schedule(
        name="daily_refresh",
        cron_schedule=f"{REFRESH_AT.minute} {REFRESH_AT.hour} * * *",
        execution_timezone=settings.sources.desk.timezone,
        target=dg.AssetSelection.all(),
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Yesterday, and exactly the intake dates that received events since the last refresh.",
    )
    def daily_refresh(context: dg.ScheduleEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
        as_of_at = context.scheduled_execution_time.astimezone(UTC).replace(tzinfo=None)
        windows = refresh_windows(settings, build_desk(settings), as_of_at)
        if not windows:
            yield dg.SkipReason("no intake date has gone by that was not refreshed already")
            return
        for run in range_runs(settings, windows, as_of_at, is_refresh=True):
            yield dg.RunRequest(run_key=f"{run.tags[REFRESH_TAG]}-{run.window}", tags=run.tags, asset_selection=run.assets)

    return daily_refresh


