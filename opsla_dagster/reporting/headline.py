"""The headline figures, measured by SQL.

Belongs here: one query a figure. Does not belong here: words and layout.

Everything comes from the mart tables, except what no mart holds: counts of events and the rates of the source's mess are
read from raw and staging where the connection has them (the warehouse), and are left out where it has not (the
published marts).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime

import duckdb

from opsla_dagster.reporting.marts import has_table, rows
from opsla_dagster.reporting.promises import SPOKEN_OF, metric_title, promise_figures
from opsla_dagster.reporting.run_summary import (
    Bottleneck,
    Headline,
    OpenCases,
    OpenClocks,
    PromiseFigures,
    ScenarioFigures,
    SlaFigures,
)
from opsla_dagster.reporting.unloaded import unloaded_dates
from opsla_dagster.settings import Settings

#: The metric of sla_policies.yml behind each SLA variant, in the order they are shown.
METRICS = {"sla_b": "first_touch", "sla_a_incl_wait": "first_resolution", "sla_a_paused": "first_resolution_paused"}
#: Column prefix of the duration that each SLA variant judges.
DURATIONS = {"sla_b": "first_touch", "sla_a_incl_wait": "resolution_incl_wait", "sla_a_paused": "resolution_paused"}

_DATA_QUALITY = {
    "raw.events_log": """
        select
            100.0 * count(*) filter (where event_ts is null) / nullif(count(*), 0) as pct_missing_event_ts,
            100.0 * count(*) filter (where is_duplicate) / nullif(count(is_duplicate), 0) as pct_duplicate_flag,
            100.0 * count(*) filter (where is_late_arriving) / nullif(count(is_late_arriving), 0) as pct_late_arriving,
            100.0 * count(*) filter (where is_tz_inconsistent) / nullif(count(is_tz_inconsistent), 0) as pct_tz_inconsistent,
            100.0 * count(*) filter (where ingestion_ts < event_ts) / nullif(count(*), 0) as pct_ingestion_before_event
        from raw.events_log
    """,
    "staging.case_milestones": """
        select
            100.0 * avg(cast(triage_ts is not null as integer)) as pct_cases_with_triage,
            100.0 * avg(cast(resolved_ts is not null as integer)) as pct_cases_with_resolved,
            100.0 * avg(cast(customer_wait_ts is not null as integer)) as pct_cases_with_customer_wait
        from staging.case_milestones
    """,
    "staging.case_sla_metrics": """
        select 100.0 * avg(cast(is_first_touch_before_intake as integer)) as pct_triage_before_intake_sla
        from staging.case_sla_metrics
    """,
}


def promises_kept(connection: duckdb.DuckDBPyConnection, settings: Settings) -> Headline:
    """The part of the headline that HEADLINE_TABLES hold, of everything that the connection's `mart` schema holds; the rest is empty.

    `settings` say what is promised and what it is called.
    """
    [totals] = rows(
        connection,
        """
        select
            min(intake_date) as first_intake_date,
            max(intake_date) as last_intake_date,
            cast(coalesce(sum(opened_cases), 0) as bigint) as cases,
            cast(coalesce(sum(sla_cases), 0) as bigint) as sla_cases
        from mart.sla_daily
        """,
    )
    promises = promise_figures(connection, settings.sla_policies)
    has_own = any(promise.is_source_promise for promise in promises)
    return Headline(
        **totals,
        zone=settings.sources.desk.timezone,
        promises=promises,
        slas=() if has_own else tuple(_slas(connection, promises, settings)),
        business_day_minutes=None if has_own else _business_day_minutes(settings),
        unspoken_promises=_unspoken_promises(promises, settings) if has_own else 0,
        has_objectives=any(policy.objective_of(metric) for policy in settings.sla_policies.policies for metric in policy.targets),
    )


def headline(connection: duckdb.DuckDBPyConnection, settings: Settings) -> Headline:
    """The headline of everything that the connection (the warehouse, or the published marts) holds; `settings` as above."""
    found = promises_kept(connection, settings)
    has_dates = has_table(connection, "ops.refreshed_partitions")
    events = _events(connection)
    as_of_at, last_event_at = _instants(connection)
    return found.model_copy(update={
        **(_loaded_dates(connection) if has_dates and found.cases else {}),
        "as_of_at": as_of_at,
        "last_event_at": last_event_at,
        "events": events,
        "events_per_case": events / found.cases if events is not None and found.cases else None,
        "congestion": _congestion(connection),
        "bottleneck": _bottleneck(connection),
        "scenarios": _scenarios(connection),
        "open_clocks": _open_clocks(connection, [promise.metric for promise in found.promises]),
        "data_quality": _data_quality(connection),
        "open_cases": _open_cases(connection),
        "unloaded": unloaded_dates(connection) if has_dates else "",
    })


def _loaded_dates(connection: duckdb.DuckDBPyConnection) -> dict[str, date]:
    """The first and the last intake date loaded, as a run names them; cases need not have come in on either."""
    [dates] = rows(connection, "select min(intake_date) as first_intake_date, max(intake_date) as last_intake_date from ops.refreshed_partitions", "ops.refreshed_partitions")
    return {name: day for name, day in dates.items() if day is not None}


def _slas(connection: duckdb.DuckDBPyConnection, promises: Sequence[PromiseFigures], settings: Settings) -> Iterator[SlaFigures]:
    """The variants promised; none without both metrics that the cases are chosen by, and none that only copies another."""
    promised = {promise.metric for promise in promises}
    known = promised | {metric for promise in promises for metric in promise.copied_metrics}
    if not known >= {METRICS["sla_b"], METRICS["sla_a_incl_wait"]}:
        return
    for sla, metric in METRICS.items():
        if metric in promised:
            yield _sla(connection, sla, metric_title(settings.sla_policies, metric))


def _business_day_minutes(settings: Settings) -> float | None:
    """The open time of a business day, where all calendars that targets count on have the same."""
    calendars = settings.calendars.calendars
    names = {target.calendar or policy.calendar for policy in settings.sla_policies.policies for target in policy.targets.values()}
    lengths = {calendars[name].business_day_seconds if name in calendars else None for name in names}
    seconds = lengths.pop() if len(lengths) == 1 else None
    return seconds / 60 if seconds else None


def _unspoken_promises(promises: Sequence[PromiseFigures], settings: Settings) -> int:
    """How many promises of sla_policies.yml the report leaves to the tables, since every source brings its own."""
    shown = {(promise.policy, promise.metric) for promise in promises}
    return sum((policy.name, metric) not in shown for policy in settings.sla_policies.policies for metric in policy.targets)


def _events(connection: duckdb.DuckDBPyConnection) -> int | None:
    """Events as they came: counted in the warehouse, in the published marts as the refreshes wrote them down."""
    for table, count in (("raw.events_log", "count(*)"), ("ops.refreshed_partitions", "sum(events)")):
        found = rows(connection, f"select cast(coalesce({count}, 0) as bigint) as events from {table}", table)
        if found:
            return int(found[0]["events"])
    return None


def _instants(connection: duckdb.DuckDBPyConnection) -> tuple[datetime | None, datetime | None]:
    """As of when open clocks are judged, and the last event's instant, which only the warehouse knows."""
    looks = rows(connection, "select max(as_of_at) as at from ops.partition_as_of", "ops.partition_as_of")
    events = rows(connection, "select max(canonical_ts) as at from staging.events_clean", "staging.events_clean")
    return (looks[0]["at"] if looks else None), (events[0]["at"] if events else None)


def _sla(connection: duckdb.DuckDBPyConnection, sla: str, name: str) -> SlaFigures:
    [rates] = rows(
        connection,
        f"""
        select
            cast(coalesce(sum(sla_cases), 0) as bigint) as cases,
            cast(coalesce(sum({sla}_breached_cases), 0) as bigint) as breached_cases,
            100.0 * sum({sla}_breached_cases) / nullif(sum(sla_cases), 0) as breach_pct,
            avg({sla}_breach_pct) as daily_avg_breach_pct
        from mart.sla_daily
        """,
    )
    return SlaFigures.model_validate({
        "sla": sla,
        "metric": METRICS[sla],
        "name": name,
        **rates,
        **_percentiles(connection, DURATIONS[sla]),
        "target_minutes": _target_minutes(connection, sla),
    })


def _percentiles(connection: duckdb.DuckDBPyConnection, duration: str) -> dict[str, float | None]:
    """p50, p90 and p95 over all SLA cases: from the mart of window totals, else from the cases themselves.

    Percentiles of days or of groups cannot be put together, so the daily marts do not help here.
    """
    if has_table(connection, "mart.sla_overall"):
        select = ", ".join(f"{duration}_{p}_business_minutes as {p}" for p in ("p50", "p90", "p95"))
        found = rows(connection, f"select {select} from mart.sla_overall")
    else:
        select = ", ".join(f"quantile_cont({duration}_business_minutes, 0.{p[1:]}) as {p}" for p in ("p50", "p90", "p95"))
        found = rows(connection, f"select {select} from staging.case_sla_metrics", "staging.case_sla_metrics")
    return found[0] if found else {"p50": None, "p90": None, "p95": None}


def _target_minutes(connection: duckdb.DuckDBPyConnection, sla: str) -> float | None:
    """The target of the variant's clock; None where no clock is known or its cases have several targets."""
    for table in ("staging.sla_policies", "mart.open_clocks"):
        found = rows(
            connection,
            f"select distinct target_seconds from {table} where metric = ? and target_seconds is not null limit 2",
            table,
            parameters=[METRICS[sla]],
        )
        if len(found) == 1:
            return float(found[0]["target_seconds"]) / 60
    return None


def _congestion(connection: duckdb.DuckDBPyConnection) -> tuple[float, float, float] | None:
    found = rows(
        connection,
        """
        select
            quantile_cont(congestion_index, 0.50) as p50,
            quantile_cont(congestion_index, 0.90) as p90,
            quantile_cont(congestion_index, 0.95) as p95
        from mart.congestion_daily
        """,
        "mart.congestion_daily",
    )
    return (found[0]["p50"], found[0]["p90"], found[0]["p95"]) if found and found[0]["p50"] is not None else None


def _bottleneck(connection: duckdb.DuckDBPyConnection) -> Bottleneck | None:
    found = rows(
        connection,
        """
        select
            tier, stage, cases, p50_business_minutes as p50, p90_business_minutes as p90, p95_business_minutes as p95
        from mart.driver_stage_durations
        where cases > 0 and p95_business_minutes is not null
        order by p95_business_minutes desc, tier, stage
        limit 1
        """,
        "mart.driver_stage_durations",
    )
    return Bottleneck(**found[0]) if found else None


def _scenarios(connection: duckdb.DuckDBPyConnection) -> tuple[ScenarioFigures, ...]:
    found = rows(
        connection,
        """
        select
            scenario, description, eligible_cases, sla_a_incl_wait_breaches_before as breaches_before,
            sla_a_incl_wait_breaches_avoided as breaches_avoided, breach_pct_before, breach_pct_after,
            coalesce(hours_saved, 0) as hours_saved, rework_measure
        from mart.scenario_results
        order by scenario
        """,
        "mart.scenario_results",
    )
    return tuple(ScenarioFigures(**row) for row in found)


def _open_cases(connection: duckdb.DuckDBPyConnection) -> OpenCases | None:
    found = rows(
        connection,
        "select desk_now.now_at, desk_now.now_reason, health.open_cases, health.breached_open_cases "
        "from mart.queue_health as health cross join mart.desk_now as desk_now where health.dimension = 'all'",
        "mart.queue_health",
        "mart.desk_now",
    )
    return OpenCases(**found[0]) if found else None


def _open_clocks(connection: duckdb.DuckDBPyConnection, metrics: Sequence[str]) -> OpenClocks | None:
    found = rows(
        connection,
        "select count(*) as running, count(*) filter (where outcome = 'breached') as past_target from mart.open_clocks "
        f"where {SPOKEN_OF} and list_contains(?, metric)",
        "mart.open_clocks",
        "mart.sla_overview",
        parameters=[list(metrics)],
    )
    return OpenClocks(**found[0]) if found else None


def _data_quality(connection: duckdb.DuckDBPyConnection) -> dict[str, float]:
    rates: dict[str, float] = {}
    for table, sql in _DATA_QUALITY.items():
        for row in rows(connection, sql, table):
            rates.update({name: float(rate) for name, rate in row.items() if rate is not None})
    return rates
