"""The sensor that refreshes once a marker in a drop folder has released files.

Belongs here: what is asked for of a receipt, and when. Does not belong here: what a marker releases (sources/drops/), which intake dates
changed (refresh.py), and who is told of a marker that is refused, or did not come (receiving.py).
"""

# No `from __future__ import annotations`: Dagster looks at the annotation of `context` itself.
import hashlib
import json
import time
from collections.abc import Sequence
from datetime import UTC, date, datetime

import dagster as dg

from opsla_dagster.assets.drop_folders import receipt_of
from opsla_dagster.automation.receiving import DROP_SENSOR, SECONDS_A_TICK, problems_of, receive_and_tell
from opsla_dagster.automation.refresh import loaded_dates, local_date, refresh_windows
from opsla_dagster.automation.schedule import REFRESH_JOB, run_tags
from opsla_dagster.errors import OpslaError, PassingError
from opsla_dagster.instance.instance import UNFINISHED
from opsla_dagster.settings import Settings
from opsla_dagster.sources.desk import Desk, build_desk
from opsla_dagster.sources.drops.receipts import Receipt, Receipts
from opsla_dagster.sources.drops.receiving import DropRefusedError, Received
from opsla_dagster.window import Window, dates_of, ranges_of

#: Runs that a drop asked for carry the names of its markers.
DROPS_TAG = "opsla/drops"
_EVERY_SECONDS = 30
_TAG_LENGTH = 250
#: What a refresh of received files was refused for is not tried again before: a log that cannot be used is not read at every look.
_AGAIN_AFTER_SECONDS = 600.0


def build_drop_sensor(settings: Settings, every_seconds: int = _EVERY_SECONDS) -> list[dg.SensorDefinition]:
    """The sensor, where sources.yml has drop folders; else none."""
    folders = list(settings.sources.drop_folders)
    if not folders:
        return []
    #: By the last receipt, what its refresh was refused for, and when.
    unusable: dict[int, tuple[OpslaError, float]] = {}

    @dg.sensor(
        name=DROP_SENSOR,
        job_name=REFRESH_JOB,
        minimum_interval_seconds=every_seconds,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=f"Takes in what a marker in {', '.join(folders)} has released, and refreshes exactly the intake dates that it changes: once for each "
        "marker, and not while a run is going on.",
    )
    def refresh_on_drops(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        found = receive_and_tell(settings, seconds=SECONDS_A_TICK, waits=False, is_watched=True)
        asked_for = int(json.loads(context.cursor)["receipt"]) if context.cursor else 0
        new = Receipts(settings.home.drops).after(folders, asked_for)
        if not new:
            return _nothing_new(found, context.cursor)
        busy = context.instance.get_runs(filters=dg.RunsFilter(statuses=[*UNFINISHED, dg.DagsterRunStatus.QUEUED]), limit=1)
        if busy:
            return _skip(f"{_named(new)} received; waiting for run {busy[0].run_id[:8]} ({busy[0].job_name}) to end", context.cursor)
        error, at = unusable.get(new[-1].number, (None, 0.0))
        if error is not None and time.monotonic() - at < _AGAIN_AFTER_SECONDS:
            raise error.with_traceback(None)
        try:
            return _refresh(settings, new, context.cursor)
        except OpslaError as error:
            unusable[new[-1].number] = error, time.monotonic()
            raise

    return [refresh_on_drops]


def _nothing_new(found: Sequence[Received], cursor: str | None) -> dg.SensorResult:
    """Raises DropRefusedError where a marker is refused, so that the UI shows it; the alert was recorded."""
    if any(each.refused for each in found) or any(each.trouble and not each.is_passing for each in found):
        raise DropRefusedError("; ".join(problems_of(found)))
    waiting = [f"{each.folder}: {told}" for each in found for told in each.waiting]
    troubles = [f"trying again at the next look: {each.trouble}" for each in found if each.trouble]
    return _skip("; ".join([*waiting, *troubles]) or "no marker is new", cursor)


def _refresh(settings: Settings, new: Sequence[Receipt], cursor: str | None) -> dg.SensorResult:
    """The refresh of what these receipts have changed. Raises OpslaError where the files cannot be used; a cause that passes waits for the next look."""
    now = datetime.now(UTC)
    as_of_at = now.replace(tzinfo=None, microsecond=0)
    try:
        windows = touched_windows(settings, build_desk(settings), as_of_at)
    except PassingError as error:
        return _skip(f"{_named(new)} received; trying again at the next look: {error}", cursor)
    days = [day for window in windows for day in window.dates()]
    store = Receipts(settings.home.drops)
    for receipt in new:
        store.asked(receipt.number, days, now.timestamp())
    done = json.dumps({"receipt": new[-1].number})
    events = [receipt_of(receipt, store.files_of(receipt.number), days) for receipt in new]
    if not windows:
        reason = dg.SkipReason(f"{_named(new)} received, and nothing changes that is not refreshed already")
        return dg.SensorResult(skip_reason=reason, cursor=done, asset_events=events)
    tags = {**run_tags(dates_of(windows), as_of_at, is_refresh=True), DROPS_TAG: _named(new)[:_TAG_LENGTH]}
    request = dg.RunRequest(run_key=_run_key(new), tags=tags)
    return dg.SensorResult(run_requests=[request], cursor=done, asset_events=events)


def touched_windows(settings: Settings, desk: Desk, as_of_at: datetime) -> list[Window]:
    """The intake dates that have changed since they were refreshed. In a home without any: all that have gone by and have cases, and those between."""
    if loaded_dates(settings):
        return refresh_windows(settings, desk, as_of_at, only_changed=True)
    today = local_date(as_of_at, settings.sources.desk.timezone)
    first = settings.sources.desk.start_date
    if first >= today:
        return []
    days: list[date] = desk.partition_states(Window(first, today), as_of_at)["intake_date"].to_pylist()
    return ranges_of(set(Window(min(days), today).dates())) if days else []


def _run_key(receipts: Sequence[Receipt]) -> str:
    """The same markers ask with the same key: Dagster starts no second run of one."""
    identity = repr([(receipt.folder, receipt.marker, receipt.version) for receipt in receipts])
    return f"drops-{receipts[-1].number}-{hashlib.sha256(identity.encode('utf-8', 'surrogateescape')).hexdigest()[:16]}"


def _named(receipts: Sequence[Receipt]) -> str:
    return ", ".join(f"{receipt.folder}/{receipt.marker}" for receipt in receipts)


def _skip(reason: str, cursor: str | None) -> dg.SensorResult:
    return dg.SensorResult(skip_reason=dg.SkipReason(reason), cursor=cursor)
