"""The walk of one case in docs/architecture.md shows the rows that the product makes of it.

A comment `<!-- table where condition: columns -->` stands above each table of the walk. Renew the tables with
`python tests/conventions/test_walk.py`, and read the sentences around them again.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path

import duckdb
from house import REPOSITORY

from opsla_dagster.calendars import business_hours, business_time
from opsla_dagster.catalog import TABLES, Kind
from opsla_dagster.catalog.clocks import CLOCK_PIPELINE
from opsla_dagster.settings import load_settings
from opsla_dagster.sources.desk import build_desk
from opsla_dagster.warehouse.connection import SCHEMAS
from opsla_dagster.warehouse.promises import replace_promises
from opsla_dagster.warehouse.sql import load_sql, sql_path
from opsla_dagster.warehouse.write import ensure_table, replace_view, replace_whole, replace_window
from opsla_dagster.window import Window

DOCUMENT = REPOSITORY / "docs" / "architecture.md"
CASE = "C20250703-001773"
INTAKE_DATE = Window(date(2025, 7, 3), date(2025, 7, 4))
#: Long after everything about the case has arrived.
AS_OF_AT = datetime(2025, 12, 28)
#: In the order in which they are made.
ROAD = [
    "staging.events_deduped", "staging.events_clean", "staging.messages_deduped", "staging.case_milestones", "staging.status_spans", "staging.ownership_spans", *CLOCK_PIPELINE,
    "staging.case_sla_metrics", "staging.case_stage_durations", "staging.reopen_rework", "staging.reopen_penalty", "staging.daily_flow", "mart.sla_daily",
]
BLOCK = re.compile(r"(<!-- (?P<table>\w+\.\w+)(?: where (?P<condition>.+?))?: (?P<columns>[\w ]+) -->\n)(?:\n(?:\|.*\n)+)?")


def warehouse_of_the_day() -> duckdb.DuckDBPyConnection:
    """Every table of the road for the case's intake date, from the shipped config."""
    settings = load_settings(REPOSITORY / "config", home=Path("nowhere"))
    desk = build_desk(settings)
    connection = duckdb.connect()
    for schema in SCHEMAS:
        connection.execute(f"create schema {schema}")
    for name, rows in [
        ("raw.cases", desk.cases(INTAKE_DATE, AS_OF_AT)),
        ("raw.events_log", desk.events(INTAKE_DATE, AS_OF_AT)),
    ]:
        replace_window(connection, TABLES[name], INTAKE_DATE, [(INTAKE_DATE, rows)])
    replace_whole(connection, TABLES["staging.business_time"], business_time(settings.calendars))
    replace_whole(connection, TABLES["staging.business_hours_dim"], business_hours(settings.calendars))
    replace_promises(connection, settings.sla_policies, settings.calendars.calendars)
    for name in ("raw.calendar_dim", "raw.messages", "raw.attribute_changes", "raw.applied_targets", "staging.team_calendars", "staging.ownership_rules", "staging.review_teams"):
        ensure_table(connection, TABLES[name])
    for name in ROAD:
        if TABLES[name].kind is Kind.VIEW:
            replace_view(connection, TABLES[name], load_sql(sql_path(name)))
        else:
            replace_window(connection, TABLES[name], INTAKE_DATE, [(INTAKE_DATE, load_sql(sql_path(name)))])
    return connection


def with_current_tables(text: str) -> str:
    """The document with the table below each comment made anew."""
    connection = warehouse_of_the_day()

    def block(found: re.Match[str]) -> str:
        table, columns = found["table"], found["columns"].split()
        of_case = f"case_id = '{CASE}'" if any(column.name == "case_id" for column in TABLES[table].columns) else "true"
        rows = connection.execute(
            f"select {', '.join(columns)} from {table} where {of_case} and {found['condition'] or 'true'} "
            f"order by {', '.join(TABLES[table].key)}"
        ).fetchall()
        assert rows, f"the walk has nothing to show of {table}: choose another case"
        return found[1] + "\n" + markdown(columns, rows)

    return BLOCK.sub(block, text)


def markdown(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A table; upright when it has one row and many columns."""
    if len(rows) == 1 and len(columns) > 4:
        lines = [f"| {column} | {shown(value)} |" for column, value in zip(columns, rows[0], strict=True)]
        return "\n".join(["| | |", "|---|---|", *lines]) + "\n"
    lines = [f"| {' | '.join(shown(value) for value in row)} |" for row in rows]
    return "\n".join([f"| {' | '.join(columns)} |", "|" + "---|" * len(columns), *lines]) + "\n"


def shown(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case float():
            return f"{value:,.2f}".rstrip("0").rstrip(".")
        case int():
            return f"{value:,}"
        case _:
            return str(value)


def test_the_walk_shows_the_rows_of_the_case() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert with_current_tables(text) == text, "the walk is stale: python tests/conventions/test_walk.py, then read it again"


def test_first_touch_and_stages_add_up_to_the_resolution_as_the_walk_says() -> None:
    connection = warehouse_of_the_day()
    row = connection.execute(
        "select first_touch_business_minutes + triage_to_investigation_business_minutes + investigation_to_review_business_minutes "
        "+ review_to_resolved_business_minutes - resolution.resolution_incl_wait_business_minutes "
        "from staging.case_sla_metrics as resolution inner join staging.case_stage_durations using (case_id) where case_id = ?",
        [CASE],
    ).fetchone()
    assert row is not None
    assert abs(row[0]) < 1e-6


if __name__ == "__main__":
    DOCUMENT.write_text(with_current_tables(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
