"""Freshness: whether what people read reaches up to yesterday, and who is told when it does not.

Belongs here: the newest complete intake date, the instant by which it is due, the check that shows it in the UI, the alert of a
missed night. Does not belong here: the schedule it watches. docs/decisions/0028-freshness-is-of-the-newest-date.md has the rule.
"""

# No `from __future__ import annotations`: Dagster looks at the annotation of `context` itself.
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import dagster as dg
from dagster._core.scheduler.instigation import InstigatorStatus, TickStatus

from opsla_dagster.assets.bronze import bronze_keys
from opsla_dagster.assets.operations import PUBLISHED_MARTS
from opsla_dagster.assets.scope import DAILY_REFRESH
from opsla_dagster.automation.alert import ERROR, Alert, alert_id, instant, text, title
from opsla_dagster.automation.failures import FRESHNESS_CHECK, work_of
from opsla_dagster.automation.ledger import FOLDER, Ledger
from opsla_dagster.automation.missed import instigators
from opsla_dagster.automation.receiving import overdue
from opsla_dagster.automation.schedule import REFRESH_AT, WAITING
from opsla_dagster.errors import OpslaError
from opsla_dagster.instance.instance import UNFINISHED
from opsla_dagster.settings import Settings
from opsla_dagster.sources.drops.receipts import Receipts
from opsla_dagster.warehouse.connection import reading, table_names
from opsla_dagster.window import ONE_DAY

#: A refresh that starts at 01:00 has long ended by then.
LATEST_AFTER_START = timedelta(hours=2)
#: Alerts of these jobs say already why nothing was refreshed.
_TELL_OF_THE_NIGHT = ("refresh", "configuration", "drop")
_NO_LIMIT = 10_000

_LOADS = """
    select intake_date, min(as_of_at) as as_of_at
    from ops.refreshed_partitions
    group by intake_date
    order by intake_date desc
"""


@dataclass(frozen=True)
class Night:
    """A daily refresh: the intake date it has to make, when it starts, and when it is to have ended (UTC)."""

    due: date
    starts_at: datetime
    deadline_at: datetime


def last_night(now: datetime, zone: str) -> Night:
    """The latest night whose deadline has passed by `now`, an instant with its offset."""
    here = ZoneInfo(zone)
    today = now.astimezone(here).date()
    night = _night(today, here)
    return night if night.deadline_at <= now else _night(today - ONE_DAY, here)


def _night(day: date, zone: ZoneInfo) -> Night:
    # By the wall clock, as the schedule goes: in a night that changes the clocks the two hours are one or three.
    latest = time(REFRESH_AT.hour + int(LATEST_AFTER_START.total_seconds() // 3600), REFRESH_AT.minute)
    start, end = (datetime.combine(day, at, zone).astimezone(UTC) for at in (REFRESH_AT, latest))
    return Night(day - ONE_DAY, start, end)


def newest_complete_date(settings: Settings, instance: dg.DagsterInstance, now: datetime | None = None) -> date | None:
    """The newest intake date that readers have to its end: made and published from every source as of an instant after it was over.

    Of an account of a ticket system, dates after its last load that succeeded are not complete, whatever was made of them; nor are those after the
    last drop of a folder whose next one was due by `now` (default: the present) and has not come.
    """
    zone = ZoneInfo(settings.sources.desk.timezone)
    ends = [_accounts_loaded_until(settings, instance, zone), *_dropped_until(settings, zone, now or datetime.now(UTC))]
    loaded_until = min((end for end in ends if end is not None), default=None)
    for day, as_of_at in _loads(settings):
        over_at = datetime.combine(day + ONE_DAY, time(), zone).astimezone(UTC)
        if as_of_at.replace(tzinfo=UTC) >= over_at and (loaded_until is None or day < loaded_until):
            return day
    return None


def _loads(settings: Settings) -> list[tuple[date, datetime]]:
    """Each published intake date, newest first, and the oldest instant as of which a source of it was made."""
    if not settings.home.marts_database.exists():
        return []
    with reading(settings.home.marts_database) as connection:
        if "ops.refreshed_partitions" not in table_names(connection):
            return []
        return connection.execute(_LOADS).fetchall()


def _accounts_loaded_until(settings: Settings, instance: dg.DagsterInstance, zone: ZoneInfo) -> date | None:
    """The local date on which the account that lags most was loaded last; None without accounts."""
    ends = []
    for key in bronze_keys(settings):
        event = instance.get_latest_materialization_event(key)
        if event is None:
            return date.min
        ends.append(datetime.fromtimestamp(event.timestamp, zone).date())
    return min(ends, default=None)


def _dropped_until(settings: Settings, zone: ZoneInfo, now: datetime) -> Iterator[date]:
    """Of each drop folder whose drop is overdue, the local date of the last one."""
    for name in settings.sources.drop_folders:
        if overdue(settings, name, now) is not None:
            last = Receipts(settings.home.drops).latest(name)
            yield datetime.fromtimestamp(last.received_at, zone).date() if last else date.min


def record_missed_night(
    instance: dg.DagsterInstance,
    settings: Settings,
    channels: Iterable[str],
    ui_url: str,
    now: datetime,
    last_looked_at: float | None,
) -> None:
    """Records the alert of the latest night, once, when its date is not complete and nothing that was recorded says why.

    Nights before somebody watched for the first time are nobody's failure. `now` has its offset; `last_looked_at` is when opsla
    looked for failures before (seconds since 1970).
    """
    ledger = Ledger(settings.home.root / FOLDER)
    night = last_night(now, settings.sources.desk.timezone)
    source = f"night {night.due}"
    if ledger.watching_since(now.timestamp()) > night.starts_at.timestamp() or not ledger.unnoticed([source]):
        return
    newest = newest_complete_date(settings, instance, now)
    is_told = ledger.has_error_since(instant(night.starts_at.timestamp()), _TELL_OF_THE_NIGHT)
    alerts = [] if is_told or (newest is not None and newest >= night.due) else [_alert(instance, night, newest, last_looked_at, ui_url)]
    ledger.record(source, alerts, channels)


def _alert(instance: dg.DagsterInstance, night: Night, newest: date | None, last_looked_at: float | None, ui_url: str) -> Alert:
    is_off, cause = _why(instance, night, last_looked_at)
    told = f"{night.due} was not refreshed by {night.deadline_at:%Y-%m-%d %H:%MZ}: {cause}"
    return Alert(
        # A schedule that somebody turned off is told once, not every night.
        alert_id=alert_id("off", str(newest)) if is_off else alert_id("night", str(night.due)),
        title=title(ERROR, f"refresh: {told}"),
        severity=ERROR,
        job="refresh",
        occurred_at=instant(night.deadline_at.timestamp()),
        statement=text(told),
        effect="people read figures that end with " + (f"{newest}" if newest else "nothing: no intake date is complete"),
        partitions=str(night.due),
        as_of=instant(night.starts_at.timestamp()),
        figures={
            "newest_complete_date": str(newest) if newest else None,
            "date_due": str(night.due),
            "days_behind": (night.due - newest).days if newest else None,
        },
        look_first="whether the service is running (opsla dev, or the line in cron) and its schedule is on; `opsla refresh` makes up for every "
        "night that was missed",
        check_url=f"{ui_url}/assets/{'/'.join(FRESHNESS_CHECK.asset_key.path)}?view=checks&checkDetail={FRESHNESS_CHECK.name}",
        ui_url=f"{ui_url}/locations/opsla/schedules/{DAILY_REFRESH}",
    )


def _why(instance: dg.DagsterInstance, night: Night, last_looked_at: float | None) -> tuple[bool, str]:
    """Whether the schedule is turned off, and why nothing was refreshed, as far as the instance knows."""
    state = next((each for each in instigators(instance) if each.instigator_name == DAILY_REFRESH), None)
    if state is not None and state.status is InstigatorStatus.STOPPED:
        return True, f"the schedule {DAILY_REFRESH} is turned off"
    if last_looked_at is not None and last_looked_at < night.starts_at.timestamp():
        return False, f"nothing was running at {night.starts_at:%H:%MZ}; opsla was last seen at {instant(last_looked_at)}"
    runs = instance.get_runs(filters=dg.RunsFilter(statuses=[*UNFINISHED, dg.DagsterRunStatus.QUEUED]), limit=_NO_LIMIT)
    for run in runs:
        if work_of(run) == "refresh":
            return False, f"its run {run.run_id[:8]} has not ended ({run.status.value.lower()})"
    if runs:
        return False, f"another run is at work ({work_of(runs[0])}, {runs[0].run_id[:8]})"
    if state is not None:
        for tick in instance.get_ticks(state.instigator_origin_id, state.selector_id, limit=1, statuses=[TickStatus.SKIPPED]):
            if tick.timestamp >= night.starts_at.timestamp():
                reason = tick.skip_reason or ""
                return False, f"the schedule could not start it ({reason})" if reason.startswith(WAITING) else f"the schedule had nothing to do ({reason})"
    return False, "no refresh was started"


@dataclass(frozen=True)
class Freshness:
    """What the check shows: the newest complete intake date beside the one that was due."""

    newest: date | None
    due: date | None

    @property
    def is_kept(self) -> bool:
        return self.due is None or (self.newest is not None and self.newest >= self.due)

    def sentence(self) -> str:
        newest = f"The newest complete intake date is {self.newest}" if self.newest else "No intake date is complete"
        if self.due is None:
            return f"{newest}; no refresh was due yet."
        return f"{newest}; {self.due} was due."

    def figures(self) -> dict[str, str]:
        return {"newest_complete_date": str(self.newest or "none"), "date_due": str(self.due or "none")}


def freshness_now(settings: Settings, instance: dg.DagsterInstance, now: datetime) -> Freshness:
    """As of `now` (with its offset); no date is due before the first night that somebody watched."""
    night = last_night(now, settings.sources.desk.timezone)
    watching_since = Ledger.first_watched(settings.home.root / FOLDER)
    is_due = watching_since is not None and watching_since <= night.starts_at.timestamp()
    return Freshness(newest_complete_date(settings, instance, now), night.due if is_due else None)


def build_freshness_check(settings: Settings) -> dg.AssetChecksDefinition:
    """Shows in the UI whether the newest date is there; can be run alone. Making an old date again does not make it pass."""

    @dg.asset_check(
        asset=PUBLISHED_MARTS,
        name=FRESHNESS_CHECK.name,
        description="Whether the newest complete intake date is the one that the last nightly refresh had to make. A failure means that "
        "readers see figures that end too early; look first at the schedule and its latest run.",
    )
    def newest_intake_date_is_complete(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        try:
            found = freshness_now(settings, context.instance, datetime.now(UTC))
        except OpslaError as error:
            raise dg.Failure(str(error), allow_retries=False) from None
        return dg.AssetCheckResult(
            passed=found.is_kept, severity=dg.AssetCheckSeverity.WARN, description=found.sentence(), metadata=found.figures()
        )

    return newest_intake_date_is_complete


def shown(found: Freshness) -> dg.AssetCheckEvaluation:
    """The same result, for a sensor to report without a run."""
    return dg.AssetCheckEvaluation(
        asset_key=FRESHNESS_CHECK.asset_key,
        check_name=FRESHNESS_CHECK.name,
        passed=found.is_kept,
        severity=dg.AssetCheckSeverity.WARN,
        description=found.sentence(),
        metadata=found.figures(),
    )
