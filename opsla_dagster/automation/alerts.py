"""The sensors that notice failures.

Belongs here: when Dagster looks for alerts, and what its tick says. Does not belong here: what an alert is
(failures.py) and how it reaches anybody (delivery.py).
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import dagster as dg
from dagster import DagsterRunStatus

from opsla_dagster.automation.burning import record_burns
from opsla_dagster.automation.delivery import (
    Outcome,
    channel_names,
    deliver_alerts,
    record_unnoticed,
    send_waiting,
    ui_url_of,
)
from opsla_dagster.automation.failures import Describe, Graph
from opsla_dagster.automation.freshness import freshness_now, record_missed_night, shown
from opsla_dagster.automation.receiving import record_missed_drops
from opsla_dagster.automation.verdicts import restore_cut_off_verdicts
from opsla_dagster.errors import OpslaError
from opsla_dagster.instance.instance import UNFINISHED
from opsla_dagster.settings import Settings
from opsla_dagster.settings.alerts import AlertSettings

_WATCHED = [
    (DagsterRunStatus.SUCCESS, "alerts_on_success", "succeeded: the checks that only warn, or do not block."),
    (DagsterRunStatus.FAILURE, "alerts_on_failure", "failed, and the run itself."),
    (DagsterRunStatus.CANCELED, "alerts_on_cancel", "was cancelled, and the run itself."),
]
#: A tick of a run-status sensor takes up to five runs and is cut off after 60 s; one send can take ten.
_SECONDS_A_RUN = 3.0
_SECONDS_A_TICK = 20.0


class AlertsNotDelivered(Exception):
    """Makes the tick fail, so that the Dagster UI shows it. Nothing is lost: the alerts wait in the ledger."""


def alert_sensors(
    settings: AlertSettings, home: Path, every_seconds: int = 30, desk: Settings | None = None
) -> list[dg.SensorDefinition]:
    """Three sensors that notice how runs end, and one that finds everything else and delivers what could not be delivered then.

    They see every run and tick of the instance, started by the UI, a schedule, a backfill or in-process, are on from the start,
    and tick every `every_seconds`, the last one half as often. Their memory is in `home`. Missed nights are looked for where there is a `desk`.
    """
    watchers = [_watcher(*watched, settings, home, every_seconds) for watched in _WATCHED]
    return [*watchers, _postman(settings, home, 2 * every_seconds, desk)]


def _watcher(
    status: DagsterRunStatus, name: str, which: str, settings: AlertSettings, home: Path, every_seconds: int
) -> dg.SensorDefinition:
    @dg.run_status_sensor(
        run_status=status,
        name=name,
        description=f"Sends each failed check of a run that {which}",
        minimum_interval_seconds=every_seconds,
        default_status=dg.DefaultSensorStatus.RUNNING,
        # A run started in-process belongs to no code location: only this setting sees it.
        monitor_all_code_locations=True,
    )
    def watcher(context: dg.RunStatusSensorContext) -> None:
        describe = partial(_graph, context.repository_def)
        run_ids = [context.dagster_run.run_id]
        _show(deliver_alerts(context.instance, run_ids, home, settings, describe, _SECONDS_A_RUN))

    return watcher


def _postman(settings: AlertSettings, home: Path, every_seconds: int, desk: Settings | None) -> dg.SensorDefinition:
    @dg.sensor(
        name="alerts_delivery",
        description="Finds what no run tells of: failed ticks, a night that was missed, runs the other sensors did not see. Sends the "
        "alerts that a receiver has not accepted yet.",
        minimum_interval_seconds=every_seconds,
        default_status=dg.DefaultSensorStatus.RUNNING,
    )
    def alerts_delivery(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        instance = context.instance
        trouble: list[str] = []
        evaluations: list[dg.AssetCheckEvaluation] = []
        looked_at = record_unnoticed(instance, home, settings, partial(_graph, context.repository_def))
        cursor = context.cursor or ""
        if desk is not None:
            try:
                _restore(instance, desk, partial(_graph, context.repository_def), context.log)
            except OpslaError as error:
                trouble.append(f"verdicts of a killed run are not found again yet: {error}")
            try:
                cursor, evaluations = _freshness(instance, desk, looked_at, cursor, context.log)
            except OpslaError as error:
                trouble.append(f"freshness or burn rates are unknown: {error}")
        said = _show(send_waiting(home, settings, _SECONDS_A_TICK), trouble)
        return dg.SensorResult(skip_reason=dg.SkipReason(said), cursor=cursor, asset_events=evaluations)

    return alerts_delivery


def _restore(instance: dg.DagsterInstance, desk: Settings, describe: Describe, log: logging.Logger) -> None:
    """Verdicts that a killed run could not tell; while a run works on the warehouse they wait for a later tick."""
    if instance.get_run_ids(filters=dg.RunsFilter(statuses=UNFINISHED), limit=1):
        return
    for line in restore_cut_off_verdicts(desk, instance, describe, patience_seconds=_SECONDS_A_RUN).sentences():
        log.info(line)


def _freshness(
    instance: dg.DagsterInstance, desk: Settings, looked_at: float | None, cursor: str, log: logging.Logger
) -> tuple[str, list[dg.AssetCheckEvaluation]]:
    """Records a missed night; returns what to report to the UI, where it changed. The cursor is what was looked at, and what was found."""
    now, home = datetime.now(UTC), desk.home.root
    # Before the night: a drop that did not come says why nothing new was refreshed.
    record_missed_drops(desk, now)
    record_missed_night(instance, desk, channel_names(desk.alerts, home), ui_url_of(desk.alerts, home), now, looked_at)
    # Published marts are looked into when there are new ones, and once an hour: a tick should cost next to nothing.
    marts = desk.home.marts_database
    state = f"{now:%Y%m%dT%H} {marts.stat().st_mtime_ns if marts.exists() else 0}"
    known_state, _, known = cursor.partition("\n")
    if state == known_state:
        return cursor, []
    silent = record_burns(marts, home, channel_names(desk.alerts, home), ui_url_of(desk.alerts, home), now)
    if silent:
        log.info(silent)
    found = freshness_now(desk, instance, now)
    is_news = found.due is not None and found.sentence() != known
    return f"{state}\n{found.sentence() if is_news else known}", [shown(found)] if is_news else []


def _graph(repository: dg.RepositoryDefinition | None) -> Graph:
    return Graph() if repository is None else Graph.of(repository)


def _show(outcome: Outcome, trouble: Sequence[str] = ()) -> str:
    """What the pass came to, in one line. Raises AlertsNotDelivered when a receiver refused something, or with other `trouble`."""
    if outcome.problems or trouble:
        raise AlertsNotDelivered("\n".join([*trouble, *outcome.problems, "Alerts are tried again; nothing is lost."]))
    parts = [f"sent {outcome.sent}"] if outcome.sent else []
    return "; ".join([*parts, *outcome.waiting]) or "no alert is waiting"
