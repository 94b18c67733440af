"""Column lineage: known columns of the product, and the shapes of SQL that are easy to get wrong."""

from __future__ import annotations

import json

import pytest

from opsla_dagster.warehouse.lineage import LINEAGE_FILE, column_lineage, lineage_of, tables_read

METRICS = "staging.case_sla_metrics"


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        pytest.param(
            f"select count(*) as cases from {METRICS}", {"cases": []}, id="a count of rows has no columns behind it"
        ),
        pytest.param(
            f"select count(*) filter (where is_reopened) as cases from {METRICS}",
            {"cases": [f"{METRICS}.is_reopened"]},
            id="a filter is part of the value",
        ),
        pytest.param(f"select 'x' as tier from {METRICS}", {"tier": []}, id="a constant comes from nowhere"),
        pytest.param(
            f"""with a as (select tier, case_id as id from {METRICS}), b as (select * from a)
            select upper(b.tier) || b.id as name from b""",
            {"name": [f"{METRICS}.case_id", f"{METRICS}.tier"]},
            id="through CTEs, stars and new names",
        ),
        pytest.param(
            f"""with a as (
                select tier as label from {METRICS} union all select 'none' as label
                union all select category as other_name from staging.case_milestones
            ) select label from a""",
            {"label": ["staging.case_milestones.category", f"{METRICS}.tier"]},
            id="all branches of a union, by position",
        ),
        pytest.param(
            """select m.tier, c.outcome from staging.case_milestones as m
            left join staging.sla_clocks as c on m.case_id = c.case_id where c.is_open""",
            {"tier": ["staging.case_milestones.tier"], "outcome": ["staging.sla_clocks.outcome"]},
            id="joins and where choose rows, not values",
        ),
        pytest.param(
            f"select row_number() over (partition by tier order by case_id) as number from {METRICS}",
            {"number": [f"{METRICS}.case_id", f"{METRICS}.tier"]},
            id="a window's keys are part of the value",
        ),
        pytest.param(
            "select (select max(calendar) from staging.sla_policies) as calendar from raw.cases",
            {"calendar": ["staging.sla_policies.calendar"]},
            id="a subquery",
        ),
    ],
)
def test_lineage_of(sql: str, expected: dict[str, list[str]]) -> None:
    assert lineage_of(sql, expected) == expected


def test_known_columns_of_the_product() -> None:
    """As they are stored: tests/conventions/test_docs.py holds that to what the SQL says."""
    found = json.loads(LINEAGE_FILE.read_text(encoding="utf-8"))
    assert found["mart.sla_daily"]["sla_b_breached_cases"] == [f"{METRICS}.is_sla_b_breached"]
    assert found["mart.sla_daily"]["opened_cases"] == []
    assert found["mart.driver_stage_durations"]["p95_business_minutes"] == [
        "staging.case_stage_durations.investigation_to_review_business_minutes",
        "staging.case_stage_durations.review_to_resolved_business_minutes",
        "staging.case_stage_durations.triage_to_investigation_business_minutes",
    ]
    assert found["staging.day_load"]["opened_cases"] == ["staging.daily_flow.cases"]
    assert found["staging.case_milestones"]["triage_ts"] == [
        "staging.events_clean.canonical_ts", "staging.events_clean.status",
    ]
    assert found["staging.events_deduped"]["canonical_ts"] == ["raw.events_log.event_ts", "raw.events_log.ingestion_ts"]


def test_the_stored_lineage_in_dagster_s_terms() -> None:
    (dep,) = column_lineage("mart.sla_daily").deps_by_column["sla_b_breached_cases"]
    assert (dep.asset_key.path, dep.column_name) == (["staging", "case_sla_metrics"], "is_sla_b_breached")


def test_tables_read_are_tables_of_the_warehouse_not_ctes() -> None:
    sql = "with cases as (select * from raw.cases) select * from cases cross join staging.day_load"
    assert tables_read(sql) == {"raw.cases", "staging.day_load"}


def test_a_column_that_the_select_does_not_have_is_an_error() -> None:
    with pytest.raises(KeyError):
        lineage_of(f"select tier from {METRICS}", ["team"])
