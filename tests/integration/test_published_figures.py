"""Every figure of the impact log's full-scale run, from the default run of this product, within its tolerance.

Belongs here: in `make hold` the default run itself (300,000 cases); in `make test` a tenth of its cases, which scatter more: figures that
grow with the cases are a tenth, within twice the tolerance. Does not belong here: how a figure comes about.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, time, timedelta
from pathlib import Path

import duckdb
import pytest
from cli import REPOSITORY, opsla
from effort import IS_HOLD
from small_desk import make, up_to

from opsla_dagster.settings import load_settings
from opsla_dagster.sources.desk import build_desk

FIGURES = list(csv.DictReader((Path(__file__).parent / "data" / "published_figures.csv").open()))

#: Of the published cases, the share that is simulated, and by how much more its figures may scatter.
SHARE, SCATTER = (1.0, 1.0) if IS_HOLD else (0.1, 2.0)
GROW_WITH_THE_CASES = {
    "raw_cases", "raw_events", "duplicate_extra_rows", "events_deduped_rows", "sla_cases", "congestion_p50", "congestion_p90", "congestion_p95",
    "stage_cases", "reopened_cases", "tier3_breaches_avoided_s1", "hours_saved_combined",
}

#: figure -> the SQL that measures it
MEASURES = {
    "raw_cases": "select count(*) from raw.cases",
    "raw_events": "select count(*) from raw.events_log",
    "events_per_case": "select (select count(*) from raw.events_log) / (select count(*) from raw.cases)",
    "intake_days": "select count(distinct intake_date) from raw.cases",
    "calendar_days": "select count(*) from raw.calendar_dim",
    "staffing_rows": "select count(*) from raw.staffing_schedule",
    "pct_missing_event_ts": "select 100 * avg(cast(event_ts is null as int)) from raw.events_log",
    "pct_duplicate_flag": "select 100 * avg(cast(is_duplicate as int)) from raw.events_log",
    "duplicate_extra_rows": """select sum(copies - 1) from (
        select count(*) as copies from raw.events_log where event_ts is not null group by case_id, status, event_ts)""",
    "pct_late_arriving": "select 100 * avg(cast(is_late_arriving as int)) from raw.events_log",
    "pct_tz_inconsistent": "select 100 * avg(cast(is_tz_inconsistent as int)) from raw.events_log",
    "pct_ingestion_before_event": "select 100 * avg(cast(coalesce(ingestion_ts < event_ts, false) as int)) from raw.events_log",
    **{
        f"pct_cases_with_{status.lower()}": f"""select 100 * (
            select count(distinct case_id) from raw.events_log where status = '{status}') / (select count(*) from raw.cases)"""
        for status in ("TRIAGE", "RESOLVED", "CUSTOMER_WAIT")
    },
    "pct_triage_before_intake_raw": """select 100 * avg(cast(triage_ts < intake_ts as int)) from (
        select
            min(event_ts) filter (where status = 'TRIAGE') as triage_ts,
            min(event_ts) filter (where status = 'INTAKE') as intake_ts
        from raw.events_log group by case_id)
        where triage_ts is not null and intake_ts is not null""",
    "pct_cancelled_and_resolved": """select 100 * avg(cast(cancelled and resolved as int)) from (
        select bool_or(status = 'CANCELLED') as cancelled, bool_or(status = 'RESOLVED') as resolved
        from raw.events_log group by case_id)""",
    "events_deduped_rows": "select count(*) from staging.events_deduped",
    "pct_clean_missing_event_ts": "select 100 * avg(cast(is_event_ts_missing as int)) from staging.events_clean",
    "pct_clean_tz_inconsistent": "select 100 * avg(cast(is_tz_inconsistent as int)) from staging.events_clean",
    "pct_clean_ingestion_before_event": "select 100 * avg(cast(is_ingestion_before_event as int)) from staging.events_clean",
    "pct_triage_before_intake_milestones": """select 100 * avg(cast(is_triage_before_intake as int))
        from staging.case_milestones where triage_ts is not null""",
    "business_minutes_rows": "select count(*) from staging.business_minutes_dim",
    "sla_cases": "select count(*) from staging.case_sla_metrics",
    "pct_triage_before_intake_sla": "select 100 * avg(cast(is_first_touch_before_intake as int)) from staging.case_sla_metrics",
    "sla_b_breach_pct": "select sla_b_breach_pct from mart.sla_overall",
    "sla_a_breach_pct_incl_wait": "select sla_a_incl_wait_breach_pct from mart.sla_overall",
    "sla_a_breach_pct_paused": "select sla_a_paused_breach_pct from mart.sla_overall",
    **{f"first_touch_p{p}": f"select first_touch_p{p}_business_minutes from mart.sla_overall" for p in (50, 90, 95)},
    **{
        f"resolution_incl_p{p}": f"select resolution_incl_wait_p{p}_business_minutes from mart.sla_overall"
        for p in (50, 90, 95)
    },
    **{
        f"resolution_paused_p{p}": f"select resolution_paused_p{p}_business_minutes from mart.sla_overall"
        for p in (50, 90, 95)
    },
    "daily_avg_sla_b_breach_pct": "select avg(sla_b_breach_pct) from mart.sla_daily",
    "daily_avg_sla_a_incl_pct": "select avg(sla_a_incl_wait_breach_pct) from mart.sla_daily",
    "daily_avg_sla_a_paused_pct": "select avg(sla_a_paused_breach_pct) from mart.sla_daily",
    **{
        f"congestion_p{p}": f"select quantile_cont(congestion_index, {p / 100}) from mart.congestion_daily"
        for p in (50, 90, 95)
    },
    "stage_cases": "select count(*) from staging.case_stage_durations",
    "tier3_investigation_to_review_p95": """select p95_business_minutes from mart.driver_stage_durations
        where tier = 'T3' and stage = 'investigation_to_review' and is_tier_bottleneck""",
    "reopened_cases": "select count(*) from staging.reopen_penalty",
    "tier3_breaches_avoided_s1": """select sla_a_incl_wait_breaches_avoided from mart.scenario_results
        where scenario = 's1_faster_tier3_review'""",
    "hours_saved_combined": "select hours_saved from mart.scenario_results where scenario = 's3_combined'",
    "tier_x_case_type_rows": "select count(*) from mart.sla_by_tier_case_type",
}


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[duckdb.DuckDBPyConnection]:
    home = tmp_path_factory.mktemp("full_scale")
    if IS_HOLD:
        finished = opsla("run", home=home)
        assert finished.returncode == 0, finished.stderr
    else:
        settings = replace(load_settings(REPOSITORY / "config", home), simulated_cases=round(300_000 * SHARE))
        window = build_desk(settings).window()
        read = {table for sql in MEASURES.values() for table in re.findall(r"from ((?:raw|staging|mart)\.\w+)", sql)}
        make(settings, [window], datetime.combine(window.end + timedelta(days=90), time()), up_to(settings, *read))
    connection = duckdb.connect(str(home / "ops_warehouse.duckdb"), read_only=True)
    yield connection
    connection.close()


def test_every_published_figure_is_measured() -> None:
    assert {row["figure"] for row in FIGURES} == set(MEASURES)


@pytest.mark.parametrize("row", FIGURES, ids=lambda row: row["figure"])
def test_figure_is_met(warehouse: duckdb.DuckDBPyConnection, row: dict[str, str]) -> None:
    measured = warehouse.execute(MEASURES[row["figure"]]).fetchone()
    assert measured is not None
    published, tolerance = float(row["published"]), SCATTER * float(row["relative_tolerance"])
    published *= SHARE if row["figure"] in GROW_WITH_THE_CASES else 1
    assert float(measured[0]) == pytest.approx(published, rel=tolerance, abs=1e-9 if tolerance == 0 else 0)
