"""The sensors that notice failures.

Belongs here: when Dagster looks for alerts, and what its tick says. Does not belong here: what an alert is
(failures.py) and how it reaches anybody (delivery.py).
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import dagster as dg
from dagster import DagsterRunStatus

from opsla_dagster.automation.delivery import Outcome, deliver_alerts, record_unnoticed_runs, send_waiting
from opsla_dagster.automation.failures import CheckDescriptions, check_descriptions
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


def alert_sensors(settings: AlertSettings, home: Path, every_seconds: int = 15) -> list[dg.SensorDefinition]:
    """Three sensors that notice how runs end, and one that delivers what could not be delivered then.

    They see every run of the instance, started by the UI, a schedule, a backfill or in-process, are on from the start,
    and tick every `every_seconds`. Their memory is in `home`.
    """
    watchers = [_watcher(*watched, settings, home, every_seconds) for watched in _WATCHED]
    return [*watchers, _postman(settings, home, every_seconds)]


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
        describe = partial(_descriptions, context.repository_def)
        run_ids = [context.dagster_run.run_id]
        _show(deliver_alerts(context.instance, run_ids, home, settings, describe, _SECONDS_A_RUN))

    return watcher


def _postman(settings: AlertSettings, home: Path, every_seconds: int) -> dg.SensorDefinition:
    @dg.sensor(
        name="alerts_delivery",
        description="Sends the alerts that a receiver has not accepted yet, and finds runs the other sensors missed.",
        minimum_interval_seconds=every_seconds,
        default_status=dg.DefaultSensorStatus.RUNNING,
    )
    def alerts_delivery(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        record_unnoticed_runs(context.instance, home, settings, partial(_descriptions, context.repository_def))
        return dg.SkipReason(_show(send_waiting(home, settings, _SECONDS_A_TICK)))

    return alerts_delivery


def _descriptions(repository: dg.RepositoryDefinition | None) -> CheckDescriptions:
    return {} if repository is None else check_descriptions(repository)


def _show(outcome: Outcome) -> str:
    """What the pass came to, in one line. Raises AlertsNotDelivered when a receiver refused something."""
    if outcome.problems:
        raise AlertsNotDelivered("\n".join([*outcome.problems, "They are tried again; nothing is lost."]))
    parts = [f"sent {outcome.sent}"] if outcome.sent else []
    return "; ".join([*parts, *outcome.waiting]) or "no alert is waiting"
