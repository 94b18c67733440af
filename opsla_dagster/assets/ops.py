"""Ops assets: the end of a run. What was refreshed is written down, then the marts are published.

Belongs here: the two last assets. Does not belong here: how publishing works (warehouse/publish.py).
"""

import time

import dagster as dg
import pyarrow as pa

from opsla_dagster.assets.factory import OWNER, TableAsset
from opsla_dagster.assets.mart import MART
from opsla_dagster.assets.scope import Scope
from opsla_dagster.errors import OpslaError
from opsla_dagster.settings import Settings
from opsla_dagster.warehouse.connection import Warehouse
from opsla_dagster.warehouse.publish import publish
from opsla_dagster.window import Window

#: Run tag: the refresh a run belongs to. Several ranges of one refresh are several runs; the last one publishes.
REFRESH_TAG = "opsla/refresh"
RANGE_START_TAG = "dagster/asset_partition_range_start"
RANGE_END_TAG = "dagster/asset_partition_range_end"
PUBLISHED_MARTS = dg.AssetKey(["ops", "published_marts"])


def _refreshed_partitions(scope: Scope, part: Window | None) -> pa.Table:
    """What the window's dates were loaded from: reached only when everything before it went well."""
    window = part or scope.window
    return scope.connection.sql(
        "select * from raw.source_partitions where intake_date >= $start and intake_date < $end order by intake_date, source",
        params={"start": window.start, "end": window.end},
    ).to_arrow_table()


REFRESHED_PARTITIONS = TableAsset(
    "ops.refreshed_partitions",
    "operations",
    deps=[
        "raw.source_partitions", "raw.calendar_dim", "raw.staffing_schedule", "staging.business_minutes_dim",
        "staging.sla_clocks", "staging.case_stage_durations", "staging.daily_flow", "mart.sla_daily",
    ],
    rows=_refreshed_partitions,
)


def build_published_marts(settings: Settings) -> dg.AssetsDefinition:
    """Publishes every mart, once everything it depends on was made and has passed its blocking checks."""

    @dg.asset(
        key=PUBLISHED_MARTS,
        deps=[dg.AssetKey(line.name.split(".")) for line in (*MART, REFRESHED_PARTITIONS)],
        group_name="operations",
        kinds={"duckdb", "parquet"},
        owners=[OWNER],
        description="A read-only copy of every mart for BI tools: marts/<mart>.parquet and marts.duckdb. Written aside and renamed "
        "into place, so that readers never block or break.",
        required_resource_keys={"warehouse"},
    )
    def published_marts(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        _refuse_half_a_refresh(context)
        warehouse: Warehouse = context.resources.warehouse
        started = time.perf_counter()
        try:
            rows = publish(warehouse.connection(), settings.home, [line.name for line in (*MART, REFRESHED_PARTITIONS)])
        except OpslaError as error:
            raise dg.Failure(str(error), allow_retries=False) from None
        return dg.MaterializeResult(
            metadata={
                "marts": len(rows),
                "rows": sum(rows.values()),
                "seconds": round(time.perf_counter() - started, 3),
                "database": str(settings.home.marts_database),
            }
        )

    return published_marts


def _refuse_half_a_refresh(context: dg.AssetExecutionContext) -> None:
    """A refresh is published whole: the latest run of each of its other windows must not have failed."""
    refresh = context.run.tags.get(REFRESH_TAG)
    if refresh is None:
        return
    latest: dict[str, dg.DagsterRun] = {}
    for run in context.instance.get_runs(filters=dg.RunsFilter(tags={REFRESH_TAG: refresh})):  # newest first
        latest.setdefault(run.tags.get(RANGE_START_TAG, ""), run)
    for start, run in latest.items():
        if run.run_id != context.run.run_id and run.is_failure_or_canceled:
            raise dg.Failure(
                f"not published: run {run.run_id} of the same refresh, from {start} on, failed; the marts published last stand. "
                "Mend the cause, run that range again, then this one.",
                allow_retries=False,
            )
