"""The end of a run: what was refreshed is written down, then the marts are published.

Belongs here: the two last assets. Does not belong here: how publishing works (warehouse/publish.py).
"""

import hashlib
import time
from collections.abc import Sequence
from typing import Any

import dagster as dg
import duckdb
import pyarrow as pa

from opsla_dagster.assets.backlog import FINGERPRINTS_SQL
from opsla_dagster.assets.factory import OWNER, PythonTable, TableAsset, window_of
from opsla_dagster.assets.made_dates import LOADED_AND_MADE
from opsla_dagster.assets.mixtures import refuse_unannounced_dates
from opsla_dagster.assets.recording import record_made, record_plan
from opsla_dagster.assets.retrying import WAITS_SECONDS, failing_plainly
from opsla_dagster.assets.rules import settings_fingerprint, settings_texts
from opsla_dagster.assets.scope import Scope
from opsla_dagster.calendars import business_time
from opsla_dagster.catalog import PUBLISHED, TABLES, Kind
from opsla_dagster.errors import OpslaError
from opsla_dagster.settings import Settings
from opsla_dagster.sources.filled import active_tables, empty_tables
from opsla_dagster.warehouse.connection import Warehouse, table_names
from opsla_dagster.warehouse.loads import refuse_other_loads
from opsla_dagster.warehouse.publish import publish
from opsla_dagster.warehouse.schema_version import SCHEMA_VERSION
from opsla_dagster.warehouse.sql import in_dates, load_sql, sql_path
from opsla_dagster.warehouse.write import drop_unfed
from opsla_dagster.window import Window, dates_in_words

PUBLISHED_MARTS = dg.AssetKey(PUBLISHED)
_PUBLISHED_LAYERS = ("mart", "ops")


def rules_fingerprint(settings: Settings) -> str:
    """Identity of what turns cases and events of a date into its tables: the schema version, calendars, promises, and the SQL itself.

    Of the calendars also what comes of them: a new version of the library of holidays, or of the zones, opens other hours.
    """
    dated = sorted(sql_path(table.name) for table in active_tables(settings.sources) if table.kind is Kind.PARTITIONED)
    rules = [
        str(SCHEMA_VERSION),
        *settings_texts(settings),
        FINGERPRINTS_SQL,
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


def _refreshed_partitions(scope: Scope, part: Window | None) -> pa.Table:
    """What the window's dates were loaded from: reached only when everything before it went well."""
    return scope.connection.sql(
        "select source, intake_date, fingerprint, as_of_at, cases, events, digest || $rules as digest from raw.source_partitions "
        f"where {in_dates('intake_date', window_of(part))} order by intake_date, source",
        params={"rules": made_from("", rules_fingerprint(scope.settings))},
    ).to_arrow_table()


#: A refresh of a date is complete when all its tables are. Views of it are judged by every run until it is published (made_dates.py).
_DATED = [table.name for table in TABLES.values() if table.kind is Kind.PARTITIONED and table.name != "ops.refreshed_partitions"]


def _refuse_unfinished_dates(scope: Scope) -> None:
    """Raises OpslaError unless every table of the dates was made of what is loaded of them: somebody may have made some of them alone."""
    refuse_unannounced_dates(scope)
    made = {table.name for table in active_tables(scope.settings.sources)} & set(_DATED) & table_names(scope.connection)
    refuse_other_loads(scope.connection, scope.own_dates, made, settings_fingerprint(scope.settings))


OPERATIONS = {"ops.refreshed_partitions": PythonTable(_refreshed_partitions, deps=_DATED, before=_refuse_unfinished_dates)}


def build_published_marts(settings: Settings, lines: Sequence[TableAsset]) -> dg.AssetsDefinition:
    """Publishes every mart of `lines`, once everything it depends on was made and has passed its blocking checks."""
    published = [line.name for line in lines if line.table.schema in _PUBLISHED_LAYERS]
    read = {dep for line in lines for dep in line.deps}
    last = [line.name for line in lines if line.name not in read and line.table.schema not in _PUBLISHED_LAYERS]  # copied with the cases, and judged before

    @dg.asset(
        key=PUBLISHED_MARTS,
        deps=[dg.AssetKey(name.split(".")) for name in (*published, *last)],
        group_name="operations",
        kinds={"duckdb", "parquet"},
        owners=[OWNER],
        description="A read-only copy of every mart for BI tools: marts/*.parquet and marts.duckdb. Written aside and renamed "
        "into place, so that readers never block or break.",
        required_resource_keys={"warehouse"},
    )
    def published_marts(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        record_plan(context, None)
        warehouse: Warehouse = context.resources.warehouse
        started = time.perf_counter()
        with failing_plainly(context, WAITS_SECONDS, warehouse), warehouse.alone():  # what is copied is a file that nobody writes
            _refuse_half_made_dates(warehouse.connection(), settings)
            _refuse_older_summaries(warehouse.connection())
            empty = empty_tables(settings.sources)
            drop_unfed(warehouse.connection(), active_tables(settings.sources), empty)
            unfed = [table.name for table in empty if table.schema in _PUBLISHED_LAYERS]
            rows = publish(warehouse.connection(), settings.home, [name for name in (*published, *unfed) if TABLES[name].is_published])
        metadata: dict[str, Any] = {
            "marts": len(rows),
            "rows": sum(rows.values()),
            "seconds": round(time.perf_counter() - started, 3),
            "database": dg.MetadataValue.path(str(settings.home.marts_database)),
            "report": dg.MetadataValue.path(str(settings.home.reports / "report.html")),
        }
        record_made(context, None, metadata, {})
        return dg.MaterializeResult(metadata=metadata)

    return published_marts


def _refuse_half_made_dates(connection: duckdb.DuckDBPyConnection, settings: Settings) -> None:
    """Marts add up every date there is: one that was never made to the end, or by other rules, would be mixed in."""
    found = connection.execute(
        f"""
        select distinct held.intake_date
        from {LOADED_AND_MADE} and held.digest || $rules = done.digest
        where done.source is null
        """,
        {"rules": made_from("", rules_fingerprint(settings))},
    ).fetchall()
    if found:
        was = "was" if len(found) == 1 else "were"
        raise OpslaError(
            f"not published: {dates_in_words(day for (day,) in found)} {was} not made to the end, or {was} made by other calendars, promises or SQL than today's; "
            "the marts published last stand. `opsla refresh` makes what is missing."
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
        raise OpslaError(
            "not published: mart.sla_daily has other cases than mart.sla_overall or mart.sla_by_tier_case_type, which were made before "
            "the latest intake dates; the marts published last stand. Materialise every mart, then this asset."
        )
