"""Telling of failures from outside Dagster: of a command that nobody watches, and of a code location that cannot be loaded.

Belongs here: what may be told although the configuration is broken. Does not belong here: the alerts themselves (missed.py).
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
from dagster import DagsterInstance
from sqlalchemy.exc import SQLAlchemyError

from opsla_dagster.assets.scope import DAILY_REFRESH, REFRESH_RETRY
from opsla_dagster.automation.alert import Alert
from opsla_dagster.automation.causes import cause_of
from opsla_dagster.automation.delivery import tell, ui_url_of
from opsla_dagster.automation.missed import alert_of_command, alert_of_configuration, failed_ticks
from opsla_dagster.catalog import PUBLISHED
from opsla_dagster.errors import OpslaError
from opsla_dagster.instance.instance import open_instance
from opsla_dagster.settings.alerts import AlertSettings, read_alert_settings
from opsla_dagster.settings.home import Home

#: Commands that make tables.
_MAKING = ("refresh", "run")
#: Metadata of an observation of the published marts: the command that ended outside a run.
ENDED_OUTSIDE_A_RUN = "ended_outside_a_run"
#: Metadata of the one that takes that back: a later refresh found nothing to make.
FOUND_NOTHING_TO_MAKE = "found_nothing_to_make"
#: Observations of one day at most: each run makes one as well.
_NOTED = 100


def tell_of_command(command: str, name: str, cause: str) -> tuple[str, ...]:
    """Alerts that `command` (as typed; `name` is its first word) ended for `cause`; returns what went wrong in sending."""
    note_command(command, name, cause)
    settings, home = _surroundings()
    return _tell(alert_of_command(command, name, cause, ui_url_of(settings, home), datetime.now(UTC)), settings, home)


def note_command(command: str, name: str, cause: str) -> None:
    """Keeps that a command which makes tables ended for `cause` outside a run: on the page of the published marts in the UI, and for `opsla health`."""
    home = Home.of().root
    if name not in _MAKING or not (home / "dagster").is_dir():
        return
    told = dg.AssetObservation(dg.AssetKey(PUBLISHED), description=f"`{command}` ended outside a run: {cause}", metadata={ENDED_OUTSIDE_A_RUN: name})
    with suppress(OpslaError, sqlite3.Error, SQLAlchemyError), open_instance(home) as instance:
        instance.report_runless_asset_event(told)


def note_nothing_to_refresh(instance: DagsterInstance) -> None:
    """Takes back that a refresh came to no run, where one did: everything is up to date since, and no run says so."""
    if refresh_without_a_run(instance, 0.0) is not None:
        told = dg.AssetObservation(dg.AssetKey(PUBLISHED), description="A refresh found nothing to make", metadata={FOUND_NOTHING_TO_MAKE: True})
        instance.report_runless_asset_event(told)


def refresh_without_a_run(instance: DagsterInstance, since: float) -> tuple[float, str] | None:
    """When (seconds since 1970), and in which words, a refresh failed last after `since` without a run that says so, be it a command or a tick of the schedule.

    None where none did, or a later one had nothing to make.
    """
    failed: list[tuple[float, str]] = []
    noted = instance.fetch_observations(dg.AssetRecordsFilter(asset_key=dg.AssetKey(PUBLISHED), after_timestamp=since), limit=_NOTED)
    for record in noted.records:
        observation = record.asset_event
        if observation is not None and FOUND_NOTHING_TO_MAKE in observation.metadata:
            since = record.timestamp
            break
        if observation is not None and (name := observation.metadata.get(ENDED_OUTSIDE_A_RUN)) is not None and name.value == "refresh":
            failed.append((record.timestamp, observation.description or ""))
    for tick in failed_ticks(instance, since):
        if tick.instigator_name in (DAILY_REFRESH, REFRESH_RETRY):
            failed.append((tick.end_timestamp or tick.timestamp, f"{tick.instigator_name} could not start its run: {cause_of(tick.error)}"))
    return max(failed, default=None)


def tell_of_configuration(error: Exception) -> tuple[str, ...]:
    """Alerts that Dagster cannot load opsla; returns what went wrong in sending."""
    settings, home = _surroundings()
    cause = str(error) if isinstance(error, OpslaError) else f"unexpected {type(error).__name__}: {error}"
    return _tell(alert_of_configuration(cause, ui_url_of(settings, home), datetime.now(UTC)), settings, home)


def _surroundings() -> tuple[AlertSettings, Path]:
    """The receivers as far as they can be read: of a broken alerts.yml nothing is known, and the file in the home takes the alert."""
    try:
        settings = read_alert_settings(Path(os.environ.get("OPSLA_CONFIG", "config")) / "alerts.yml")
    except OpslaError:
        settings = AlertSettings()
    return settings, Home.of().root


def _tell(alert: Alert, settings: AlertSettings, home: Path) -> tuple[str, ...]:
    # A home that is not there yet is not made for this: most likely somebody tries opsla, or its name is mistyped.
    if home.is_dir() or settings.channels:
        return tell(alert, home, settings)
    return ()
