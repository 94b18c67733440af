"""The daily schedule, and the run that a refresh is.

Belongs here: turning intake dates into a run. Does not belong here: which dates (refresh.py).
"""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import dagster as dg
from dagster._core.definitions.partitions.context import partition_loading_context
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition
from dagster._core.instance.types import DynamicPartitionsStore
from dagster._core.scheduler.instigation import InstigatorTick, TickStatus

from opsla_dagster.assets.bronze import bronze_group
from opsla_dagster.assets.operations import PUBLISHED_MARTS
from opsla_dagster.assets.recording import DEFER_TAG
from opsla_dagster.assets.scope import (
    AS_OF_TAG,
    DAILY_REFRESH,
    RANGE_END_TAG,
    RANGE_START_TAG,
    REFRESH_DATES_TAG,
    REFRESH_RETRY,
    REFRESH_TAG,
)
from opsla_dagster.automation.missed import instigators
from opsla_dagster.automation.receiving import SECONDS_A_TICK, receive_and_tell
from opsla_dagster.automation.refresh import refresh_windows
from opsla_dagster.automation.unattended import note_nothing_to_refresh
from opsla_dagster.errors import PassingError
from opsla_dagster.settings import Settings
from opsla_dagster.sources.desk import build_desk
from opsla_dagster.sources.filled import active_tables
from opsla_dagster.sources.loading import enabled_accounts
from opsla_dagster.window import DATES_TAG, Dates, dates_of

#: When the daily refresh starts, in the desk's zone.
REFRESH_AT = time(1, 0)

#: When a refresh that could not start, for a cause that passes, is tried again.
RETRY_AT = (time(1, 5), time(1, 20))
#: What the tick of such a night begins with.
WAITING = "trying again at "

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


class IntakeDates(dg.DailyPartitionsDefinition):
    """Dagster's daily partitions, listed once.

    Each table without dates has all dates of each table that it reads listed, and Dagster finds every next one by cron: with years of them that took longer
    than the tables.
    """

    def get_partition_keys(self, current_time: datetime | None = None, dynamic_partitions_store: DynamicPartitionsStore | None = None) -> Sequence[str]:
        """Every date from the first to the last one that has ended (at `current_time`), ISO."""
        with partition_loading_context(current_time, dynamic_partitions_store):
            return list(_listed(self, self.get_last_partition_key()))


@lru_cache(maxsize=4)
def _listed(partitions: IntakeDates, last: str | None) -> Sequence[str]:
    """As Dagster lists them now, when `last` is the last one."""
    return tuple(dg.DailyPartitionsDefinition.get_partition_keys(partitions))


def build_partitions(settings: Settings) -> IntakeDates:
    """One partition an intake date, open-ended from the configured start, in the desk's zone."""
    desk = settings.sources.desk
    return IntakeDates(start_date=desk.start_date.isoformat(), timezone=desk.timezone)


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
    def daily_refresh(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        return _refresh_of(settings, context, context.scheduled_execution_time)

    return daily_refresh


def build_refresh_retry(settings: Settings) -> dg.ScheduleDefinition:
    """Tries the night's refresh again where its tick found the sources away: the same night, as of the same instant."""

    @dg.schedule(
        name=REFRESH_RETRY,
        cron_schedule=[f"{at.minute} {at.hour} * * *" for at in RETRY_AT],
        execution_timezone=settings.sources.desk.timezone,
        job_name=REFRESH_JOB,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=f"Tries {DAILY_REFRESH} again in a night in which it could not start for a cause that passes, such as a log that is late.",
    )
    def daily_refresh_retry(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        night_at = _waiting_since(context.instance)
        if night_at is None:
            return dg.SkipReason(f"{DAILY_REFRESH} has not asked for another try")
        return _refresh_of(settings, context, night_at)

    return daily_refresh_retry


def _waiting_since(instance: dg.DagsterInstance) -> datetime | None:
    """The instant of the latest tick of the refresh, where it asked for another try that nobody has made good yet."""
    ticks = {name: _ticks(instance, name) for name in (DAILY_REFRESH, REFRESH_RETRY)}
    if not ticks[DAILY_REFRESH]:
        return None
    first = ticks[DAILY_REFRESH][0]
    tries = [first, *(tick for tick in ticks[REFRESH_RETRY] if tick.timestamp > first.timestamp and tick.status is not TickStatus.STARTED)]
    if not all((tick.skip_reason or "").startswith(WAITING) for tick in tries):
        return None
    return datetime.fromtimestamp(first.timestamp, UTC)


def _ticks(instance: dg.DagsterInstance, schedule: str) -> list[InstigatorTick]:
    """The latest ones, the last first: as many as one night has."""
    return [
        tick
        for state in instigators(instance)
        if state.instigator_name == schedule
        for tick in instance.get_ticks(state.instigator_origin_id, state.selector_id, limit=len(RETRY_AT) + 1)
    ]


def _next_try(night_at: datetime) -> datetime | None:
    """When a refresh of the night that began then is tried next; None after its last try, and where the night is long over."""
    begins = timedelta(hours=REFRESH_AT.hour, minutes=REFRESH_AT.minute)
    tries = [night_at + timedelta(hours=at.hour, minutes=at.minute) - begins for at in RETRY_AT]
    return next((at for at in tries if at > datetime.now(UTC)), None)


def _refresh_of(settings: Settings, context: dg.ScheduleEvaluationContext, at: datetime) -> dg.RunRequest | dg.SkipReason:
    """The run of the night's refresh as of `at`. Raises OpslaError; a cause that passes waits instead, while there is a try to come."""
    as_of_at = at.astimezone(UTC).replace(tzinfo=None)
    # What is refused of drop folders has its own alert, and holds up nothing else.
    receive_and_tell(settings, seconds=SECONDS_A_TICK, waits=False, is_watched=True)
    try:
        windows = refresh_windows(settings, build_desk(settings), as_of_at)
    except PassingError as error:
        next_try = _next_try(at)
        if next_try is None:
            raise
        return dg.SkipReason(f"{WAITING}{next_try.astimezone(ZoneInfo(settings.sources.desk.timezone)):%H:%M}: {error}")
    if not windows:
        note_nothing_to_refresh(context.instance)
        return dg.SkipReason("no intake date has gone by that was not refreshed already")
    tags = run_tags(dates_of(windows), as_of_at, is_refresh=True)
    return dg.RunRequest(run_key=tags[REFRESH_TAG], tags=tags)


