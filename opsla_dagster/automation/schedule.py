"""The daily schedule, and the run that a refresh is.

Belongs here: turning intake dates into a run. Does not belong here: which dates (refresh.py).
"""

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, time

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from opsla_dagster.assets.bronze import bronze_group
from opsla_dagster.assets.operations import PUBLISHED_MARTS
from opsla_dagster.assets.recording import DEFER_TAG
from opsla_dagster.assets.scope import (
    AS_OF_TAG,
    DAILY_REFRESH,
    RANGE_END_TAG,
    RANGE_START_TAG,
    REFRESH_DATES_TAG,
    REFRESH_TAG,
)
from opsla_dagster.automation.refresh import refresh_windows
from opsla_dagster.settings import Settings
from opsla_dagster.sources.desk import build_desk
from opsla_dagster.sources.filled import active_tables
from opsla_dagster.sources.loading import enabled_accounts
from opsla_dagster.window import DATES_TAG, Dates, dates_of

#: When the daily refresh starts, in the desk's zone.
REFRESH_AT = time(1, 0)

#: Before the daily refresh, which wants what is new.
LOAD_AT_MINUTE = 40


def refreshed_assets(settings: Settings) -> list[dg.AssetKey]:
    """What a refresh makes: every table, then the published marts."""
    return [*(dg.AssetKey(table.asset_key) for table in active_tables(settings.sources)), PUBLISHED_MARTS]


#: Jobs: what the schedule and `opsla refresh` do, and what `opsla run` does.
REFRESH_JOB, BACKFILL_JOB = "refresh", "backfill"


def load_job(account: str) -> str:
    """The job that loads what is new in an account of a ticket system."""
    return f"load_{account}"


def build_jobs(settings: Settings) -> list[UnresolvedAssetJobDefinition]:
    """The jobs that runs stand under on the timeline of the UI."""
    everything = dg.AssetSelection.assets(*refreshed_assets(settings))
    return [
        dg.define_asset_job(REFRESH_JOB, everything, description="Yesterday, and the intake dates that have changed since the last refresh."),
        dg.define_asset_job(BACKFILL_JOB, everything, description="Chosen intake dates: every table of them, and the published marts."),
        *(
            dg.define_asset_job(
                load_job(account.name), dg.AssetSelection.groups(bronze_group(account)), description=f"What is new in the account {account.name}."
            )
            for account in enabled_accounts(settings.sources)
        ),
    ]


def run_tags(dates: Dates, as_of_at: datetime, *, is_refresh: bool) -> dict[str, str]:
    """The tags of the run that makes `dates` as of a naive UTC instant; those of a refresh are of `refresh_windows`, and no others."""
    tags = {**_dates_tags(dates), **_as_of_tags(as_of_at), REFRESH_TAG: refresh_id(dates, as_of_at)}
    return {**tags, REFRESH_DATES_TAG: str(dates.days)} if is_refresh else tags


def refresh_id(dates: Dates, as_of_at: datetime) -> str:
    """The same dates as of the same instant are the same refresh, so that one that failed can be run again."""
    identity = hashlib.sha256(" ".join(map(str, dates.windows)).encode()).hexdigest()[:8]
    return f"{as_of_at:%Y%m%dT%H%M%S}-{identity}"


def _dates_tags(dates: Dates) -> dict[str, str]:
    """Dagster knows ranges alone: of dates with gaps it is told the first and the last, and to leave it to us which of them are made."""
    tags = {RANGE_START_TAG: dates.start.isoformat(), RANGE_END_TAG: dates.last.isoformat()}
    return tags if len(dates.windows) == 1 else {**tags, DATES_TAG: str(dates), DEFER_TAG: "true"}


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
            job_name=load_job(account.name),
            default_status=dg.DefaultScheduleStatus.RUNNING,
            description=f"What is new in the account {account.name}.",
        )
        for account in enabled_accounts(settings.sources)
    ]


def build_daily_refresh(settings: Settings) -> dg.ScheduleDefinition:
    """The schedule that does what `opsla refresh` does: at 01:00 in the desk's zone, one run of all dates that are due."""

    @dg.schedule(
        name=DAILY_REFRESH,
        cron_schedule=f"{REFRESH_AT.minute} {REFRESH_AT.hour} * * *",
        execution_timezone=settings.sources.desk.timezone,
        job_name=REFRESH_JOB,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Yesterday, and exactly the intake dates that received events since the last refresh.",
    )
    def daily_refresh(context: dg.ScheduleEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
        as_of_at = context.scheduled_execution_time.astimezone(UTC).replace(tzinfo=None)
        windows = refresh_windows(settings, build_desk(settings), as_of_at)
        if not windows:
            yield dg.SkipReason("no intake date has gone by that was not refreshed already")
            return
        tags = run_tags(dates_of(windows), as_of_at, is_refresh=True)
        yield dg.RunRequest(run_key=tags[REFRESH_TAG], tags=tags)

    return daily_refresh


