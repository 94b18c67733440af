"""Queries for BI tools, held against rows of the marts."""

from __future__ import annotations

from pathlib import Path

import duckdb

from opsla_dagster.warehouse.sql import load_sql

DASHBOARDS = Path(__file__).parents[2] / "sql" / "dashboards"


def test_a_root_cause_is_a_share_of_all_breaches_of_its_promise() -> None:
    """Eight clocks were late and two still are; of one of the eight nobody is known. Five of ten are of one owner, and not five of seven."""
    connection = duckdb.connect()
    connection.execute("create schema mart")
    connection.execute(
        "create table mart.sla_overview as select 'log' as source, 'desk' as policy, 'reply' as metric, * from (values "
        "('all', 'all', 8, 2, 30.0), ('root_cause_owner', 'ann', 5, 0, 20.0), ('root_cause_owner', 'bob', 2, 0, 10.0), ('root_cause_stage', 'TRIAGE', 8, 0, 30.0), "
        "('queue', 'Billing', 8, 2, 30.0)) as overview (dimension, dimension_value, breached_clocks, open_breached_clocks, late_avg_business_minutes)"
    )
    found = connection.sql(load_sql(DASHBOARDS / "sla_root_causes.sql")).fetchall()
    assert [(row[4], row[5], row[6]) for row in found] == [("ann", 5, 50.0), ("bob", 2, 20.0), ("TRIAGE", 8, 80.0)]
