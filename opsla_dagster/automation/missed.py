"""Failures that leave no run: a tick of a schedule or sensor, a command of opsla, a configuration that cannot be read.

Belongs here: making alerts of them. Does not belong here: failed runs (failures.py), and a night in which nothing failed and
nothing was refreshed (freshness.py).
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from dagster import DagsterInstance
from dagster._core.scheduler.instigation import InstigatorState, InstigatorTick, InstigatorType, TickStatus

from opsla_dagster.assets.scope import DAILY_REFRESH, REFRESH_RETRY
from opsla_dagster.automation.alert import ERROR, Alert, cut, daily_id, instant, text, title
from opsla_dagster.automation.causes import cause_of
from opsla_dagster.sources.drops.receiving import DropRefusedError

#: The sensors that tell: what they cannot tell, nobody can.
TELLING = "alerts_"
#: The scheduler tries the tick again while the code location is away, which may be a restart.
_UNREACHABLE = "DagsterUserCodeUnreachableError"
_RESTART_SECONDS = 600.0
_TICKS_LOOKED_AT = 25
_COMMAND_LENGTH = 200


def failed_ticks(instance: DagsterInstance, since: float) -> Iterator[InstigatorTick]:
    """The latest failed ticks of every schedule and sensor that ended after `since` (seconds since 1970)."""
    for state in instigators(instance):
        if not state.instigator_name.startswith(TELLING):
            for tick in _failures(instance, state):
                if (tick.end_timestamp or tick.timestamp) >= since and not _may_be_a_restart(tick) and not _is_told(tick):
                    yield tick


def instigators(instance: DagsterInstance) -> Sequence[InstigatorState]:
    """The schedules and sensors that the instance knows; none where it keeps nothing of them (one in memory)."""
    return instance.all_instigator_state() if instance.schedule_storage is not None else []


def _failures(instance: DagsterInstance, state: InstigatorState) -> list[InstigatorTick]:
    # By the time a tick was due, not by when it ended: one made up for after a stop is older than what ended before it.
    return list(
        instance.get_ticks(state.instigator_origin_id, state.selector_id, limit=_TICKS_LOOKED_AT, statuses=[TickStatus.FAILURE])
    )


def _may_be_a_restart(tick: InstigatorTick) -> bool:
    return tick.error is not None and tick.error.cls_name == _UNREACHABLE and time.time() - tick.timestamp < _RESTART_SECONDS


def _is_told(tick: InstigatorTick) -> bool:
    """Of a marker that is refused there is an alert of its own (receiving.py); the ticks fail for the UI."""
    error = tick.error
    while error is not None and error.cls_name != DropRefusedError.__name__:
        error = error.cause
    return error is not None


def alert_of_tick(tick: InstigatorTick, ui_url: str) -> Alert:
    """The alert of a failed tick; of a sensor or schedule that fails again and again, one a cause and UTC day."""
    name, at = tick.instigator_name, datetime.fromtimestamp(tick.timestamp, UTC)
    is_schedule = tick.instigator_type is InstigatorType.SCHEDULE
    told = cause_of(tick.error)
    kind = "schedule" if is_schedule else "sensor"
    job = "refresh" if name in (DAILY_REFRESH, REFRESH_RETRY) else name
    undone = "nothing was refreshed; tables and published marts are as they were before" if job == "refresh" else "its work was not done"
    return Alert(
        alert_id=daily_id(name, told, at),
        title=title(ERROR, f"{job}: {told}"),
        severity=ERROR,
        job=job,
        occurred_at=instant(tick.end_timestamp or tick.timestamp),
        statement=text(told),
        effect=f"the {kind} {name} could not start its run of {instant(tick.timestamp)}: {undone}",
        as_of=instant(tick.timestamp) if name == DAILY_REFRESH else None,
        look_first="the place that the cause names; once it is fixed, `opsla refresh` catches up"
        if job == "refresh"
        else f"the cause, then the ticks of the {kind} in the UI (Automation, {name})",
        ui_url=f"{ui_url}/locations/opsla/{kind}s/{name}",
    )


def alert_of_command(command: str, name: str, cause: str, ui_url: str, at: datetime) -> Alert:
    """The alert of `command` (as typed; `name` is its first word) that failed outside a run: before its first one, or with the reports after it; one a cause and UTC day."""
    return Alert(
        alert_id=daily_id(f"opsla {name}", cause, at),
        title=title(ERROR, f"{name}: {cause}"),
        severity=ERROR,
        job=name,
        occurred_at=at.astimezone(UTC).isoformat(timespec="seconds"),
        statement=text(cause),
        effect=f"`{cut(command, _COMMAND_LENGTH)}` ended outside a run; no table is half-written, and the marts published last are still there",
        look_first="the place that the cause names; once it is fixed, run the same command again",
        ui_url=ui_url,
    )


def alert_of_configuration(cause: str, ui_url: str, at: datetime) -> Alert:
    """The alert of a configuration from which Dagster cannot load opsla; a run that cannot begin for it has the same identity."""
    return Alert(
        alert_id=daily_id("", cause, at),
        title=title(ERROR, f"configuration: {cause}"),
        severity=ERROR,
        job="configuration",
        occurred_at=at.astimezone(UTC).isoformat(timespec="seconds"),
        statement=text(cause),
        effect="Dagster cannot load opsla: no schedule, sensor or run works until the file is fixed and the service restarted",
        look_first="the place that the cause names",
        ui_url=ui_url,
    )
