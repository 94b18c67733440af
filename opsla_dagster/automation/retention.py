"""The sensor that keeps the history of runs small while only the daemon works.

Belongs here: when the daemon looks. Does not belong here: what is forgotten (instance/retention.py).
"""

from __future__ import annotations

import dagster as dg

from opsla_dagster.instance.retention import prune_history
from opsla_dagster.settings.run_history import RunHistorySettings

_EVERY_SECONDS = 900


def build_retention_sensor(settings: RunHistorySettings) -> dg.SensorDefinition:
    """Forgets, every quarter of an hour, what `opsla run` and `opsla refresh` forget at their end."""

    @dg.sensor(
        name="run_history_retention",
        minimum_interval_seconds=_EVERY_SECONDS,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description=f"Forgets runs that ended more than {settings.kept_days} days ago (run_history.yml), and what ended runs had planned. "
        "Which dates are made, and the latest verdict of every check, is kept.",
    )
    def run_history_retention(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        forgotten = prune_history(context.instance, kept_days=settings.kept_days)
        return dg.SkipReason(f"{forgotten} runs forgotten, those that ended more than {settings.kept_days} days ago")

    return run_history_retention
