"""Published marts as the pipeline would leave them, made in a second from a seeded draw.

Belongs here: a marts.duckdb and a run summary for the tests of reporting. The figures are of the size of the calibration's
published ones; nothing asserts that they equal them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from opsla_dagster.reporting.headline import headline
from opsla_dagster.reporting.run_summary import CheckResult, RunSummary, TableRun
from opsla_dagster.settings import Settings, load_settings
from opsla_dagster.settings.sla_policies import SlaPoliciesSettings
from opsla_dagster.warehouse.schema_version import SCHEMA_VERSION, VERSION_TABLE

#: What the shipped configuration promises, and what it is called.
SETTINGS = load_settings(Path(__file__).parents[2] / "config", Path("no_home"))
HOLIDAYS = {date(2025, 7, 4), date(2025, 9, 1), date(2025, 11, 27), date(2025, 12, 25)}


@dataclass(frozen=True)
class Log:
    """What the imagined log holds."""

    cases: int = 60_000
    days: int = 180
    start: date = date(2025, 7, 1)
    seed: int = 7
    tiers: tuple[str | None, ...] = ("T1", "T2", "T3")
    case_types: tuple[str | None, ...] = ("access_request", "configuration", "incident")
    has_staffing: bool = True
    has_reopens: bool = True
    has_sla_cases: bool = True
    has_open_cases: bool = True
    has_source_verdicts: bool = False


def write_marts(path: Path, log: Log = Log()) -> Path:
    """A marts.duckdb at `path` whose schema `mart` holds every table that the report reads."""
    with duckdb.connect(str(path)) as connection:
        connection.execute("create schema mart")
        connection.execute("create schema ops")
        connection.execute(f"create table {VERSION_TABLE} as select {SCHEMA_VERSION} as schema_version, 'this one' as opsla_version")
        connection.register("drawn_cases", _cases(log))
        connection.execute("create temp table cases as select * from drawn_cases")
        connection.register("drawn_days", _days(log))
        connection.execute("create temp table days as select * from drawn_days")
        for name, sql in _tables(log).items():
            connection.execute(f"create table mart.{name} as {sql}")
        connection.execute(
            "create table ops.refreshed_partitions as select 'simulation' as source, intake_date, count(*) as cases,"
            " cast(round(count(*) * 6.438) as bigint) as events from cases group by intake_date"
        )
        connection.execute(
            "create table ops.partition_as_of as select source, intake_date, timestamp '2026-11-20 23:59:11' as as_of_at"
            " from ops.refreshed_partitions"
        )
    return path


def summary_of(marts: Path, checks: tuple[CheckResult, ...] | None = None) -> RunSummary:
    """The summary of a run that published `marts`; events and data quality as a warehouse would give them."""
    with duckdb.connect(str(marts), read_only=True) as connection:
        measured = headline(connection, SETTINGS)
    measured = measured.model_copy(update={
        "data_quality": {"pct_missing_event_ts": 1.783, "pct_duplicate_flag": 1.971, "pct_late_arriving": 1.489},
    })
    start = measured.first_intake_date or date(2025, 7, 1)
    end = (measured.last_intake_date or start) + timedelta(days=1)
    return RunSummary(
        run_id="3f2a9c1e-5b77-4c36-9a2e-0d8f6f1f4b11",
        command="opsla run",
        succeeded=True,
        window_start=start,
        window_end=end,
        as_of_at=datetime(end.year, end.month, end.day, 5),
        started_at=datetime(2026, 11, 20, 23, 59, 11),
        seconds=14.237,
        sources=("simulation",),
        tables=(
            TableRun(table="raw.cases", rows=measured.cases, seconds=0.412),
            TableRun(table="raw.events_log", rows=measured.events or 0, seconds=1.104),
            TableRun(table="staging.events_deduped", rows=round((measured.events or 0) * 0.98), seconds=0.534),
            TableRun(table="staging.case_sla_metrics", rows=measured.sla_cases, seconds=0.098),
            TableRun(table="mart.sla_daily", rows=(end - start).days, seconds=0.051),
            TableRun(table="mart.scenario_results", rows=3),
        ),
        checks=some_checks() if checks is None else checks,
        artifacts=("marts.duckdb", "reports/report.html", "reports/impact_log.md"),
        headline=measured,
    )


def own_promises() -> Settings:
    """The shipped configuration but for its promises: two policies with metrics of their own."""
    metrics = {
        "first_reply": {"title": "First reply", "start": ["INTAKE"], "stop": ["PUBLIC_REPLY"]},
        "resolution": {"title": "Resolution", "variant": "waits paused", "start": ["INTAKE"], "stop": ["RESOLVED"], "pause": ["ON_HOLD"]},
    }
    policies = [
        {"name": "vip", "title": "Priority 1", "when": {"priority": "P1"}, "calendar": "desk", "targets": {"first_reply": "15m"}},
        {"name": "rest", "calendar": "desk", "targets": {"first_reply": "8h", "resolution": "3d"}},
    ]
    return replace(SETTINGS, sla_policies=SlaPoliciesSettings.model_validate({"metrics": metrics, "policies": policies}))


def write_own_marts(path: Path) -> Path:
    """Marts of a desk with the promises of `own_promises`: no case of the shipped metrics is judged, and one promise has no clock.

    A second source, acme, brings a promise of its own; what the desk's would say of its cases is in the marts, and in no report.
    """
    write_marts(path, Log(cases=300, days=20, has_sla_cases=False, has_open_cases=False))
    with duckdb.connect(str(path)) as connection:
        connection.execute("delete from mart.sla_overview")
        connection.execute("delete from mart.open_clocks")
        connection.execute("delete from mart.promise_durations")
        connection.execute(
            """
            insert into mart.sla_overview by name
            select *, 0 as incomplete_clocks, 100.0 * met_clocks / (met_clocks + breached_clocks + open_breached_clocks) as attainment_pct
            from (values
                ('log', 'vip', 'first_reply', false, 'all', 'all', 30, 9, 1, 2, 3),
                ('log', 'rest', 'first_reply', false, 'all', 'all', 190, 10, 0, 0, 0),
                ('acme', 'acme:Gold', 'next_reply', true, 'all', 'all', 5, 0, 0, 0, 0),
                ('acme', 'rest', 'first_reply', false, 'all', 'all', 1, 700, 0, 0, 0),
                ('log', 'vip', 'first_reply', false, 'queue', 'Billing', 30, 2, 0, 0, 0),
                ('log', 'vip', 'first_reply', false, 'queue', 'none', 190, 17, 1, 0, 0),
                ('log', 'vip', 'first_reply', false, 'region', 'none', 220, 19, 1, 0, 0),
                ('acme', 'rest', 'first_reply', false, 'queue', 'none', 0, 700, 0, 0, 0),
                ('log', 'vip', 'first_reply', false, 'root_cause_stage', 'CUSTOMER_WAIT', 0, 9, 0, 0, 0)
            ) as t (
                source, policy, metric, is_source_promise, dimension, dimension_value, met_clocks, breached_clocks, open_breached_clocks, running_clocks,
                unknown_clocks
            )
            """
        )
    return path


def write_account_marts(path: Path) -> Path:
    """Marts of an account that brings its own promises and judges them itself, beside the desk's assumptions of the shipped metrics."""
    write_marts(path, Log(cases=300, days=20, has_source_verdicts=True))
    with duckdb.connect(str(path)) as connection:
        connection.execute("update mart.sla_overview set source = 'acme'")
        connection.execute("update mart.open_clocks set source = 'acme'")
        connection.execute(
            """
            insert into mart.sla_overview by name
            select 'acme' as source, 'acme:Gold' as policy, metric, true as is_source_promise, dimension, value as dimension_value, met as met_clocks,
                broken as breached_clocks, 0 as open_breached_clocks, 0 as running_clocks, 0 as unknown_clocks, 0 as incomplete_clocks, 100.0 * met / (met + broken) as attainment_pct
            from (values
                ('first_reply', 'all', 'all', 90, 10), ('first_reply', 'queue', 'Billing', 60, 0), ('first_reply', 'queue', 'Sales', 30, 10),
                ('first_reply', 'product_line', 'Router', 50, 10), ('first_reply', 'product_line', 'none', 40, 0),
                ('next_reply', 'all', 'all', 198, 2)
            ) as t (metric, dimension, value, met, broken)
            """
        )
        connection.execute(
            """
            insert into mart.promise_durations values
                ('acme:Gold', 'first_reply', true, 100, 0, 42.0, 190.0, 7000.0), ('acme:Gold', 'next_reply', true, 200, 0, 0.5, 12.0, 119.0)
            """
        )
        connection.execute(
            """
            create table mart.source_clock_comparison as select * from (values
                ('acme', 'first_reply', 'agrees', 80, 8, 8, 0.0), ('acme', 'first_reply', 'time_differs', 15, 1, 1, 130.0),
                ('acme', 'first_reply', 'verdict_differs', 1, 1, 0, 55.0), ('acme', 'first_reply', 'no_clock', 4, 0, 0, null),
                ('acme', 'next_reply', 'nothing_compared', 3, 0, 0, null)
            ) as t (source, metric, comparison, verdicts, source_breached_verdicts, breached_clocks, difference_p50_business_minutes)
            """
        )
        connection.execute(
            """
            create table mart.source_clock_examples as select * from (values
                ('acme', 'first_reply', 'agrees', 1, 'A-1', 1, 'acme:Gold', false, 'met', 60, 60, 0),
                ('acme', 'first_reply', 'time_differs', 1, 'A-7', 1, 'acme:Gold', false, 'met', 12000, 600, -11400),
                ('acme', 'first_reply', 'time_differs', 2, 'A-2', 1, 'acme:Gold', false, 'met', 600, 720, 120),
                ('acme', 'first_reply', 'verdict_differs', 1, '<b>9', 1, 'acme:Gold', true, 'met', 3600, 300, -3300),
                ('acme', 'first_reply', 'no_clock', 1, 'A-4', 1, null, false, null, null, null, null)
            ) as t (source, metric, comparison, example_number, case_id, cycle, policy, source_is_breached, outcome, source_elapsed_seconds,
                elapsed_seconds, difference_seconds)
            """
        )
        connection.execute(
            """
            update mart.source_sla_comparison set source = 'acme', compared_with = 'own_promises', cases = 100, source_verdict_cases = 100,
                source_breach_pct = 12, our_verdict_cases = 96, our_breach_pct = 11.5, both_verdict_cases = 96, agreeing_cases = 95,
                source_resolved_cases = 0
            """
        )
        connection.execute(
            """
            create table mart.satisfaction as select *, 100.0 * good_cases / rated_cases as satisfaction_pct from (values
                ('acme', 'all', 'all', 120, 90, 20, 4.1), ('acme', 'queue', 'Billing', 70, 63, 2, 4.6), ('acme', 'queue', 'none', 50, 27, 18, 3.4),
                ('acme', 'priority', 'P1', 9, 1, 8, 1.5), ('acme', 'priority', 'P2', 111, 89, 12, 4.3),
                ('acme', 'channel', 'none', 120, 90, 20, 4.1), ('acme', 'tier', 'none', 120, 90, 20, 4.1)
            ) as t (source, dimension, dimension_value, rated_cases, good_cases, bad_cases, rating_mean_number)
            """
        )
        connection.execute(
            """
            create table mart.bot_involvement as select *, 100.0 * bot_resolved_cases / cases as bot_resolved_pct,
                100.0 * replied_cases / cases as replied_pct, 100.0 * resolved_cases / cases as resolved_pct
            from (values ('acme', true, 200, 80, 110, 170), ('acme', false, 100, 0, 90, 70))
                as t (source, is_bot_involved, cases, bot_resolved_cases, replied_cases, resolved_cases)
            """
        )
        connection.execute(
            """
            create table mart.schedule_rule_agreement as select * from (values
                ('acme', 'first_reply', 'in_force', false, 40, 12), ('acme', 'first_reply', 'last', true, 40, 39),
                ('acme', 'next_reply', 'last', true, 2, 2), ('acme', 'next_reply', 'in_force', false, 2, 2)
            ) as t (source, metric, schedule_rule, is_applied_rule, compared_clocks, agreeing_clocks)
            """
        )
    return path


def some_checks() -> tuple[CheckResult, ...]:
    """Gates with figures, schema checks and invariants that pass, one drift warning."""
    schema = tuple(
        CheckResult(asset=f"staging.table_{number:02}", check="schema", passed=True, figures={"rows": 1000 * number})
        for number in range(1, 25)
    )
    return (
        CheckResult(
            asset="raw.events_log", check="gate_pct_missing_event_ts", passed=True, severity="WARN",
            description="Events without a time of their own.", figures={"error_above": 20.0, "rate": 1.783, "warn_above": 3.0},
        ),
        CheckResult(
            asset="raw.events_log", check="gate_pct_late_arriving", passed=True, severity="WARN",
            description="Events ingested long after they happened.",
            figures={"error_above": 20.0, "rate": 1.489, "warn_above": 3.0},
        ),
        CheckResult(
            asset="raw.events_log", check="drift_daily_volume", passed=False, severity="WARN",
            description="A day's events lie far from the trailing days: look first whether the source delivered whole days.",
            figures={"worst_day": "2025-11-28", "events": 2140, "expected": 10712.5},
        ),
        CheckResult(
            asset="staging.status_spans", check="assert_spans_add_up_to_lifetimes", passed=True,
            description="Spans of a case are gap-free.", figures={"cases": 60000, "offending": 0},
        ),
        *schema,
    )


def _days(log: Log) -> pa.Table:
    days = [log.start + timedelta(days=offset) for offset in range(log.days)]
    business = [day.weekday() < 5 and day not in HOLIDAYS for day in days]
    return pa.table({
        "calendar_date": pa.array(days, pa.date32()),
        "is_business_day": business,
        "planned_heads": [54.0 if open_day else 4.4 for open_day in business],
        "effective_heads": [
            (54.0 if open_day else 4.4) * (0.72 - 0.2 * max(0.0, (number - 120) / 60))
            for number, open_day in enumerate(business)
        ],
    })


def _cases(log: Log) -> pa.Table:
    draw = np.random.default_rng(log.seed)
    days = [log.start + timedelta(days=offset) for offset in range(log.days)]
    weights = np.array([1.0 if day.weekday() < 5 and day not in HOLIDAYS else 0.17 for day in days])
    day = np.sort(draw.choice(log.days, size=log.cases, p=weights / weights.sum()))
    rank = draw.choice(len(log.tiers), size=log.cases, p=_shares(len(log.tiers), 0.45))
    kind = draw.choice(len(log.case_types), size=log.cases, p=_shares(len(log.case_types), 0.6))
    depth = np.minimum(rank, 2)
    late = 1 + 0.12 * np.clip((day - 120) / 60, 0, 1)
    hard = late * (0.95 + 0.08 * np.minimum(kind, 2))
    first_touch = np.array([36.0, 45.0, 60.0])[depth] * hard * draw.lognormal(0, 0.95, log.cases)
    first_touch = np.floor(np.where(weights[day] < 1, first_touch * 0.12, first_touch))
    investigation = np.array([160.0, 230.0, 520.0])[depth] * hard * draw.lognormal(0, np.array([0.6, 0.5, 1.0])[depth])
    review = np.array([90.0, 110.0, 130.0])[depth] * draw.lognormal(0, 0.7, log.cases)
    handling = np.array([70.0, 80.0, 90.0])[depth] * draw.lognormal(0, 0.8, log.cases)
    wait = np.where(draw.random(log.cases) < 0.277, 260 * draw.lognormal(0, 1.1, log.cases), 0)
    paused = np.floor(first_touch + investigation + review + handling)
    resolved = np.full(log.cases, log.has_sla_cases) & (draw.random(log.cases) < 0.976)
    lifetime = np.floor((paused + wait) / 600 * 1.6).astype(int)
    # What is old enough is closed; the youngest cases and a few stragglers are still open.
    is_open = log.has_open_cases & ((day + lifetime >= log.days) | (draw.random(log.cases) < 0.002))
    return pa.table({
        "intake_date": pa.array([days[number] for number in day], pa.date32()),
        "ended_date": pa.array(
            [None if rests else days[min(number, log.days - 1)] for number, rests in zip(day + lifetime, is_open, strict=True)],
            pa.date32(),
        ),
        "case_id": [f"C{number:07}" for number in range(log.cases)],
        "tier": pa.array([log.tiers[number] for number in rank], pa.string()),
        "case_type": pa.array([log.case_types[number] for number in kind], pa.string()),
        "is_sla_case": resolved & ~is_open,
        "is_open": is_open,
        "is_reopened": log.has_reopens & (draw.random(log.cases) < np.array([0.037, 0.053, 0.086])[depth]),
        "has_review": draw.random(log.cases) < np.array([0.05, 0.6, 0.45])[depth],
        "first_touch": first_touch,
        "incl": np.floor(paused + wait),
        "paused": paused,
        "investigation": investigation,
        "review": review,
        "handling": handling,
        "exposure": 120 + 3.2 * np.clip(day - 100, 0, None) + draw.normal(0, 12, log.cases),
    })


def _shares(many: int, ratio: float) -> list[float]:
    weights = [ratio**number for number in range(many)]
    return [weight / sum(weights) for weight in weights]


#: Marts name what the source leaves open.
_GROUP = "coalesce(tier, 'unknown') as tier, coalesce(case_type, 'unknown') as case_type"
_MEASURES = """
    count(*) as opened_cases,
    count(*) filter (where is_sla_case) as sla_cases,
    count(*) filter (where is_sla_case and first_touch > 120) as sla_b_breached_cases,
    count(*) filter (where is_sla_case and incl > 1440) as sla_a_incl_wait_breached_cases,
    count(*) filter (where is_sla_case and paused > 1440) as sla_a_paused_breached_cases,
    100.0 * sla_b_breached_cases / nullif(count(*) filter (where is_sla_case), 0) as sla_b_breach_pct,
    100.0 * sla_a_incl_wait_breached_cases / nullif(count(*) filter (where is_sla_case), 0) as sla_a_incl_wait_breach_pct,
    100.0 * sla_a_paused_breached_cases / nullif(count(*) filter (where is_sla_case), 0) as sla_a_paused_breach_pct,
""" + ",\n".join(
    f"quantile_cont({column}, 0.{p}) filter (where is_sla_case) as {name}_p{p}_business_minutes"
    for name, column in (("first_touch", "first_touch"), ("resolution_incl_wait", "incl"), ("resolution_paused", "paused"))
    for p in (50, 90, 95)
)


def _tables(log: Log) -> dict[str, str]:
    """SQL of each mart over the drawn tables `cases` and `days`, in an order in which each can read those before it."""
    as_of = log.start + timedelta(days=log.days)
    return {
        "sla_daily": f"select intake_date, {_MEASURES} from cases group by intake_date order by intake_date",
        "sla_overall": f"select {_MEASURES} from cases",
        "sla_by_tier_case_type": f"select {_GROUP}, {_MEASURES} from cases group by 1, 2 order by 1, 2",
        "staffing_daily": f"""
            select calendar_date, planned_heads, effective_heads,
                100.0 * (1 - effective_heads / planned_heads) as shrinkage_pct
            from days where {log.has_staffing}
        """,
        "backlog_daily_proxy": """
            with opened as (select intake_date, count(*) as opened from cases group by all),
            ended as (select ended_date, count(*) as ended from cases group by all)
            select calendar_date, coalesce(opened, 0) as opened_cases, coalesce(ended, 0) as ended_cases,
                opened_cases - ended_cases as net_flow_cases,
                cast(sum(coalesce(opened, 0) - coalesce(ended, 0)) over (order by calendar_date) as bigint)
                    as open_backlog_cases
            from days left join opened on intake_date = calendar_date left join ended on ended_date = calendar_date
        """,
        "congestion_daily_v2": f"""
            select calendar_date, opened_cases, open_backlog_cases, effective_heads,
                (opened_cases + open_backlog_cases) / effective_heads as congestion_index,
                avg((opened_cases + open_backlog_cases) / effective_heads)
                    over (order by calendar_date rows 9 preceding) as congestion_index_10bd_mean
            from mart.backlog_daily_proxy join days using (calendar_date) where {log.has_staffing}
        """,
        "congestion_daily": "select * exclude (congestion_index_10bd_mean) from mart.congestion_daily_v2",
        "driver_stage_durations": """
            with cases as (select * replace (coalesce(tier, 'unknown') as tier) from cases),
            long as (
                select tier, 'triage_to_investigation' as stage, handling as minutes from cases
                    where has_review and is_sla_case
                union all select tier, 'investigation_to_review', investigation * 1.3 from cases
                    where has_review and is_sla_case
                union all select tier, 'review_to_resolved', review from cases where has_review and is_sla_case
            )
            select tier, stage, count(*) as cases, quantile_cont(minutes, 0.5) as p50_business_minutes,
                quantile_cont(minutes, 0.9) as p90_business_minutes, quantile_cont(minutes, 0.95) as p95_business_minutes,
                p95_business_minutes = max(p95_business_minutes) over (partition by tier) as is_tier_bottleneck
            from long group by tier, stage
        """,
        "driver_reopen_impact": f"""
            select {_GROUP}, is_reopened, count(*) as cases, avg(incl) as resolution_incl_wait_avg_business_minutes,
                quantile_cont(incl, 0.5) as resolution_incl_wait_p50_business_minutes,
                quantile_cont(incl, 0.9) as resolution_incl_wait_p90_business_minutes,
                quantile_cont(incl, 0.95) as resolution_incl_wait_p95_business_minutes,
                100.0 * avg(cast(incl > 1440 as integer)) as sla_a_incl_wait_breach_pct
            from cases where is_sla_case group by 1, 2, 3
        """,
        "driver_congestion_buckets": f"""
            with ranked as (select *, ntile(10) over (order by exposure, case_id) as exposure_decile
                from cases where is_sla_case and {log.has_staffing})
            select exposure_decile, count(*) as cases, min(exposure) as exposure_min, max(exposure) as exposure_max,
                100.0 * avg(cast(first_touch > 120 as integer)) as sla_b_breach_pct,
                100.0 * avg(cast(incl > 1440 as integer)) as sla_a_incl_wait_breach_pct,
                100.0 * avg(cast(paused > 1440 as integer)) as sla_a_paused_breach_pct
            from ranked group by exposure_decile
        """,
        "driver_summary": """
            select 'primary_bottleneck' as finding, tier, stage, p95_business_minutes as figure,
                'business minutes' as unit
            from mart.driver_stage_durations order by figure desc limit 1
        """,
        "scenario_results": f"""
            select s.scenario, s.description, s.eligible as eligible_cases,
                cast(floor(breaches * s.share * 4) as bigint) as sla_a_incl_wait_breaches_before,
                cast(floor(breaches * s.share) as bigint) as sla_a_incl_wait_breaches_avoided,
                100.0 * breaches / n as breach_pct_before,
                100.0 * (breaches - floor(breaches * s.share)) / n as breach_pct_after, s.hours as hours_saved,
                s.measure as rework_measure
            from (select sum(sla_a_incl_wait_breached_cases) as breaches, sum(sla_cases) as n from mart.sla_daily),
            (values
                ('s1_faster_tier3_review', 'Tier 3 spends 20 % less time from investigation to review',
                    15470, 0.0521, 34117.5, null),
                ('s2_fewer_reopens', 'A quarter of the reopened cases are not reopened', 13791, 0.0, 27382.36, 'proxy'),
                ('s3_combined', 'Both together', 27902, 0.0521, 61499.86, 'proxy')
            ) as s (scenario, description, eligible, share, hours, measure)
            where n > 0 and {log.has_reopens}
        """,
        "sla_overview": """
            with clocks as (
                select metric, tier, 'P' || (1 + hash(case_id) % 4) as priority, 'desk ' || (1 + hash(case_id) % 5) as queue,
                    is_sla_case, is_open, is_sla_case and minutes > target as is_breached,
                    is_open and hash(case_id) % 3 = 0 as is_late
                from cases, lateral (values
                    ('first_touch', first_touch, 120), ('first_resolution', incl, 1440), ('first_resolution_paused', paused, 1440)
                ) as promised (metric, minutes, target)
            )
            select 'simulation' as source, 'desk' as policy, metric, false as is_source_promise,
                case when grouping(tier) = 0 then 'tier' when grouping(priority) = 0 then 'priority'
                    when grouping(queue) = 0 then 'queue' else 'all' end as dimension,
                coalesce(tier, priority, queue, if(grouping(tier) = 0, 'none', 'all')) as dimension_value,
                count(*) as clocks,
                count(*) filter (where is_sla_case and not is_breached) as met_clocks,
                count(*) filter (where is_breached) as breached_clocks,
                count(*) filter (where is_late) as open_breached_clocks,
                count(*) filter (where is_open and not is_late) as running_clocks,
                count(*) filter (where not is_sla_case and not is_open) as unknown_clocks,
                0 as incomplete_clocks,
                cast(100.0 * met_clocks / nullif(met_clocks + breached_clocks + open_breached_clocks, 0) as double) as attainment_pct,
                cast(null as double) as late_avg_business_minutes
            from clocks group by grouping sets ((metric), (metric, tier), (metric, priority), (metric, queue))
        """,
        "unknown_clocks": """
            select source, policy, metric, is_source_promise, 'ended_without_stop' as reason, unknown_clocks
            from mart.sla_overview
            where dimension = 'all' and unknown_clocks > 0
        """,
        "promise_durations": """
            select 'desk' as policy, metric, false as is_source_promise, count(*) as stopped_clocks,
                count(*) filter (where metric = 'first_resolution_paused' and incl > paused) as paused_clocks,
                quantile_cont(minutes, 0.5) as elapsed_p50_business_minutes, quantile_cont(minutes, 0.9) as elapsed_p90_business_minutes,
                quantile_cont(minutes, 0.95) as elapsed_p95_business_minutes
            from cases, lateral (values
                ('first_touch', first_touch), ('first_resolution', incl), ('first_resolution_paused', paused)
            ) as promised (metric, minutes)
            where is_sla_case group by metric
        """,
        "open_clocks": f"""
            with open_cases as (
                select *, datediff('day', intake_date, date '{as_of}') * 430 * 60 + hash(case_id) % 7000 as ran
                from cases where is_open
            )
            select 'simulation' as source, case_id, 'desk' as policy, metric, 1 as cycle, false as is_source_promise, tier, case_type, 'P' || (1 + hash(case_id) % 4) as priority,
                case when hash(case_id) % 9 > 0 then 'desk ' || (1 + hash(case_id) % 5) end as team,
                cast(intake_date as timestamp) + interval 13 hour as started_at,
                cast(ran as bigint) as elapsed_seconds, cast(target as bigint) as target_seconds,
                cast(target as bigint) - cast(ran as bigint) as remaining_seconds,
                timestamp '{as_of} 05:00:00' + to_seconds(cast((target - cast(ran as bigint)) * 2 as bigint)) as due_at,
                case when ran > target then 'breached' else 'running' end as outcome,
                metric = 'first_resolution_paused' and hash(case_id) % 5 = 0 as is_paused,
                timestamp '{as_of} 05:00:00' as as_of_at
            from open_cases,
            (values ('first_resolution', 86400), ('first_resolution_paused', 86400), ('first_touch', 7200))
                as clocks (metric, target)
            where metric <> 'first_touch' or hash(case_id) % 20 = 0
        """,
        "source_sla_comparison": """
            select 'servicenow' as source, 'first_resolution' as compared_with, 24918 as cases, 24918 as source_verdict_cases, 36.58 as source_breach_pct,
                24905 as our_verdict_cases, 30.8 as our_breach_pct, 24905 as both_verdict_cases, 21859 as agreeing_cases,
                23362 as source_resolved_cases, 22.1 as source_resolution_p50_calendar_hours,
                148.5 as source_resolution_p75_calendar_hours, 381.5 as source_resolution_p90_calendar_hours,
                710.5 as source_resolution_p95_calendar_hours
        """ if log.has_source_verdicts else """
            select 'simulation' as source, 'first_resolution' as compared_with, 300000 as cases, 0 as source_verdict_cases, null as source_breach_pct,
                292000 as our_verdict_cases, 6.5 as our_breach_pct, 0 as both_verdict_cases, 0 as agreeing_cases,
                0 as source_resolved_cases, null as source_resolution_p50_calendar_hours,
                null as source_resolution_p75_calendar_hours, null as source_resolution_p90_calendar_hours,
                null as source_resolution_p95_calendar_hours
        """,
    }
