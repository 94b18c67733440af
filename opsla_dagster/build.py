"""Putting the house together: settings in, Dagster definitions out.

Belongs here: which assets, schedules, sensors and resources make up the code location. Does not belong here: any of them.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping

import dagster as dg

from opsla_dagster.assets.bronze import bronze_assets, bronze_keys
from opsla_dagster.assets.drop_folders import drop_folder_specs
from opsla_dagster.assets.factory import build_asset
from opsla_dagster.assets.graph import table_assets
from opsla_dagster.assets.log_files import log_file_specs
from opsla_dagster.assets.operations import build_published_marts
from opsla_dagster.automation.alerts import alert_sensors
from opsla_dagster.automation.drops import build_drop_sensor
from opsla_dagster.automation.freshness import build_freshness_check
from opsla_dagster.automation.new_files import build_file_sensor
from opsla_dagster.automation.retention import build_retention_sensor
from opsla_dagster.automation.schedule import (
    build_account_loads,
    build_daily_refresh,
    build_jobs,
    build_partitions,
    build_refresh_retry,
)
from opsla_dagster.instance.two_at_a_time import two_at_a_time
from opsla_dagster.reporting.sensor import build_report_sensor
from opsla_dagster.settings import Settings, load_settings
from opsla_dagster.sources.desk import build_desk
from opsla_dagster.warehouse.connection import UNATTENDED_PATIENCE_SECONDS, Warehouse

# Backfill policies are beta in name only: pinned with Dagster's version and covered by tests.
warnings.filterwarnings("ignore", category=dg.BetaWarning)
warnings.filterwarnings("ignore", category=dg.PreviewWarning)


def build_definitions(
    settings: Settings | None = None, resources: Mapping[str, object] | None = None
) -> dg.Definitions:
    """Fresh definitions from `settings` (default: read from the config directory); `resources` replace the built ones."""
    settings = settings or load_settings()
    partitions = build_partitions(settings)
    loads = bronze_keys(settings)
    lines = table_assets(settings)
    files = log_file_specs(settings)
    assets = [build_asset(line, settings, partitions, loads, [spec.key for spec in files]) for line in lines]
    return dg.Definitions(
        assets=[*drop_folder_specs(settings), *files, *bronze_assets(settings), *assets, build_published_marts(settings, lines)],
        asset_checks=[build_freshness_check(settings)],
        jobs=build_jobs(settings),
        schedules=[build_daily_refresh(settings), build_refresh_retry(settings), *build_account_loads(settings)],
        sensors=[
            *alert_sensors(settings.alerts, settings.home.root, desk=settings),
            build_report_sensor(settings),
            build_retention_sensor(settings.run_history),
            *build_file_sensor(settings),
            *build_drop_sensor(settings),
        ],
        resources={**build_resources(settings), **(resources or {})},
        executor=two_at_a_time,
    )


def build_resources(settings: Settings, patience_seconds: float = UNATTENDED_PATIENCE_SECONDS) -> dict[str, object]:
    """The warehouse and the desk of one run. DuckDB takes one writing process, so a run is one, with two threads; it waits for another one to end."""
    return {
        "warehouse": Warehouse(
            database=str(settings.home.warehouse), connection_config=settings.home.duckdb_config(), patience_seconds=patience_seconds
        ),
        "desk": dg.ResourceDefinition(lambda _context: build_desk(settings)),
    }
