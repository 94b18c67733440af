"""Ops assets: the end of a run. What was refreshed is written down, then the marts are published.

Belongs here: the two last assets. Does not belong here: how publishing works (warehouse/publish.py).
"""

import hashlib
import time
from typing import Any

import dagster as dg
import duckdb
import pyarrow as pa

from opsla_dagster.assets.factory import OWNER, TableAsset
from opsla_dagster.assets.mart import MART
from opsla_dagster.assets.recording import record_made, record_plan
from opsla_dagster.assets.scope import Scope
from opsla_dagster.calendars import business_time
from opsla_dagster.catalog import TABLES, Kind
from opsla_dagster.errors import OpslaError
from opsla_dagster.settings import Settings
from opsla_dagster.sources.base import INSTANT
from opsla_dagster.sources.bronze.drift import schema_drift
from opsla_dagster.warehouse.connection import Warehouse
from opsla_dagster.warehouse.publish import publish
from opsla_dagster.warehouse.sql import in_dates, load_sql, sql_path
from opsla_dagster.warehouse.write import ensure_table
from opsla_dagster.window import Window

PUBLISHED_MARTS = dg.AssetKey(["ops", "published_marts"])


def rules_fingerprint(settings: Settings) -> str:
    """Identity of what turns cases and events of a date into its tables: calendars, promises, and the SQL itself.

    Of the calendars also what comes of them: a new version of the library of holidays, or of the zones, opens other hours.
    """
    dated = sorted(sql_path(table.name) for table in TABLES.values() if table.kind is Kind.PARTITIONED)
    rules = [
        settings.calendars.model_dump_json(),
        settings.sla_policies.model_dump_json(),
        *(load_sql(path) for path in dated if path.exists()),
    ]
    identity = hashlib.sha256("\n".join(rules).encode())
    segments = business_time(settings.calendars)
    for column in ("segment_start_at", "open_seconds_before", "holiday_seconds_before"):
        identity.update(segments[column].to_numpy().tobytes())
    return identity.hexdigest()[:16]


def made_from(digest: str, rules: str) -> str:
    """What a date was refreshed from: its state at the source, and the rules."""
    return f"{digest} {rules}"


def _schema_drift(scope: Scope, part: Window | None) -> pa.Table:
    found = schema_drift(scope.settings.sources, scope.settings.home)
    return found.rename_columns(["drift" if name == "change" else name for name in found.schema.names])


def _refreshed_partitions(scope: Scope, part: Window | None) -> pa.Table:
    """What the window's dates were loaded from: reached only when everything before it went well."""
    dates = part or scope.own_dates
    return scope.connection.sql(
        "select held.* replace (held.digest || $rules as digest), cast($refresh as varchar) as refresh, "
        "looks.as_of_at as previous_look_at from raw.source_partitions as held "
        "left join ops.source_watermarks as looks on held.source = looks.source "
        f"where {in_dates('held.intake_date', dates)} order by held.intake_date, held.source",
        params={
            "rules": made_from("", rules_fingerprint(scope.settings)),
            "refresh": scope.refresh,
        },
    ).to_arrow_table()


def _ensure_watermarks(scope: Scope) -> None:
    """Both tables tell of each other: the first run finds this one empty."""
    ensure_table(scope.connection, TABLES["ops.source_watermarks"])


def _source_watermarks(scope: Scope, part: Window | None) -> pa.Table:
    """As of when all dates of each source were looked at last: as it was, or now, where every date of this refresh is made."""
    looks = dict(scope.connection.execute("select source, as_of_at from ops.source_watermarks").fetchall())
    made = scope.connection.execute(
        "select count(distinct intake_date) from ops.refreshed_partitions where refresh = $refresh", {"refresh": scope.refresh}
    ).fetchone()
    if made is not None and made[0] == scope.refresh_dates:
        looks |= {source: max(scope.as_of_at, looks.get(source, scope.as_of_at)) for source in scope.desk.fingerprints()}
    schema = pa.schema([("source", pa.string()), ("as_of_at", INSTANT)])
    return pa.Table.from_pylist([{"source": source, "as_of_at": looks[source]} for source in sorted(looks)], schema=schema)


_REFRESHED_PARTITIONS = TableAsset(
    "ops.refreshed_partitions",
    "operations",
    deps=[
        "raw.source_partitions", "staging.source_clock_comparison", "staging.schedule_change_clocks", "raw.calendar_dim", "raw.staffing_schedule", "staging.business_minutes_dim",
        "staging.case_stage_durations", "staging.daily_flow", "mart.sla_daily", "mart.sla_attainment_daily",
        "raw.source_facts",
    ],
    rows=_refreshed_partitions,
    before=_ensure_watermarks,
)
OPS = [
    TableAsset("ops.schema_drift", "operations", rows=_schema_drift, reads_accounts=True, checks=["warn_fields_drifted"]),
    _REFRESHED_PARTITIONS,
    TableAsset("ops.source_watermarks", "operations", deps=["ops.refreshed_partitions"], rows=_source_watermarks, before=_ensure_watermarks),
    TableAsset("ops.partition_as_of", "operations", deps=["ops.refreshed_partitions", "ops.source_watermarks"]),
]


def build_published_marts(settings: Settings) -> dg.AssetsDefinition:
    """Publishes every mart, once everything it depends on was made and has passed its blocking checks."""

    @dg.asset(
        key=PUBLISHED_MARTS,
        deps=[dg.AssetKey(line.name.split(".")) for line in (*MART, *OPS)],
        group_name="operations",
        kinds={"duckdb", "parquet"},
        owners=[OWNER],
        description="A read-only copy of every mart for BI tools: marts/<mart>.parquet and marts.duckdb. Written aside and renamed "
        "into place, so that readers never block or break.",
        required_resource_keys={"warehouse"},
    )
    def published_marts(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        record_plan(context, None)
        warehouse: Warehouse = context.resources.warehouse
        _refuse_half_made_dates(warehouse.connection(), settings)
        _refuse_older_summaries(warehouse.connection())
        started = time.perf_counter()
        try:
            rows = publish(warehouse.connection(), settings.home, [line.name for line in (*MART, *OPS) if line.table.is_published])
        except OpslaError as error:
            raise dg.Failure(str(error), allow_retries=False) from None
        metadata: dict[str, Any] = {
            "marts": len(rows),
            "rows": sum(rows.values()),
            "seconds": round(time.perf_counter() - started, 3),
            "database": str(settings.home.marts_database),
        }
        record_made(context, None, metadata)
        return dg.MaterializeResult(metadata=metadata)

    return published_marts


def _refuse_half_made_dates(connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Marts add up every date there is: one that was never made to the end, or by other rules, would be mixed in."""
    found = connection.execute(
        """
        select count(distinct held.intake_date), min(held.intake_date), max(held.intake_date)
        from raw.source_partitions as held
        left join ops.refreshed_partitions as done
            on
                held.source = done.source
                and held.intake_date = done.intake_date
                and held.as_of_at = done.as_of_at
                and held.digest || $rules = done.digest
        where done.source is null
        """,
        {"rules": made_from("", rules_fingerprint(settings))},
    ).fetchone()
    if found is not None and found[0]:
        raise dg.Failure(
            f"not published: {found[0]} intake dates between {found[1]} and {found[2]} were not made to the end, or by other "
            "calendars, promises or SQL than today's; the marts published last stand. `opsla refresh` makes them anew.",
            allow_retries=False,
        )


def _refuse_older_summaries(connection: duckdb.DuckDBPyConnection) -> None:
    """Dates may be made, in the UI, without what is over everything loaded: both would be published, and contradict each other."""
    is_older = connection.execute(
        """
        select daily.opened_cases <> overall.opened_cases or daily.sla_cases <> overall.sla_cases or daily.sla_cases <> cells.sla_cases
        from (select coalesce(sum(opened_cases), 0) as opened_cases, coalesce(sum(sla_cases), 0) as sla_cases from mart.sla_daily) as daily
        cross join mart.sla_overall as overall
        cross join (select coalesce(sum(sla_cases), 0) as sla_cases from mart.sla_by_tier_case_type) as cells
        """
    ).fetchone()
    if is_older is not None and is_older[0]:
        raise dg.Failure(
            "not published: mart.sla_daily has other cases than mart.sla_overall or mart.sla_by_tier_case_type, which were made before "
            "the latest intake dates; the marts published last stand. Materialise every mart, then this asset.",
            allow_retries=False,
        )
