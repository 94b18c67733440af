"""Golden tests of the SQL files: tests/sql/<layer>/<table>/<case>.yml, named for the behaviour it pins down.

A case is one YAML document:
    why         one sentence: what goes wrong elsewhere, or which rule this is
    window      [start, end] of intake dates, end exclusive; default: all of 2025
    calendar    the calendar (of tests/sql/calendars.yml) on which the shipped policy counts; default: utc
    clocks      instead of the shipped metrics: {metric: {start, stop, ..., target, calendar}}, promised to every case
    policies    instead of that promise, as in sla_policies.yml
    history     {case id: ["2025-07-07 09:00:00 INTAKE", ...]}: instants (UTC) in the source's order; INTAKE@Billing and INTAKE@Billing/ann
                name the team, and the agent, of the event. From it raw.cases
                and raw.events_log are filled, and the staging tables above the one under test made by their own SQL.
    given       {table: [row, ...]}: rows put into tables as they are; what is left out is NULL. With a history only
                rows of raw tables and of CONFIGURED come before it; what lies between and the table under test is made, views too.
    expected    every row of the table, in the order of its key; only the columns written are compared
Every case is made twice, and must come out the same.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from opsla_dagster.calendars import business_hours, business_time
from opsla_dagster.catalog import TABLES, Kind
from opsla_dagster.catalog.clocks import CLOCK_PIPELINE
from opsla_dagster.checks.schema import check_schema
from opsla_dagster.settings.base import read_document
from opsla_dagster.settings.calendars import CalendarsSettings
from opsla_dagster.settings.sla_policies import SlaPoliciesSettings
from opsla_dagster.sources.base import TERMINAL_STATUSES
from opsla_dagster.warehouse.lineage import tables_read_by
from opsla_dagster.warehouse.promises import replace_promises
from opsla_dagster.warehouse.sql import load_sql, sql_path
from opsla_dagster.warehouse.write import replace_view, replace_whole, replace_window
from opsla_dagster.window import Window

HERE = Path(__file__).parent
SHIPPED_POLICIES = HERE.parents[1] / "config" / "sla_policies.yml"
CASES = sorted(path for path in HERE.glob("*/*/*.yml"))
DEFAULT_WINDOW = Window(date(2025, 1, 1), date(2026, 1, 1))
FIELDS = {"why", "window", "calendar", "clocks", "policies", "history", "given", "expected"}

_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d")

STORED = [table.name for table in TABLES.values() if table.kind is not Kind.VIEW]
VIEWS = [table.name for table in TABLES.values() if table.kind is Kind.VIEW]
#: From the log to the metrics of a case, in the order in which they are made.
ROAD = [
    "staging.events_deduped", "staging.events_clean", "staging.messages_deduped", "staging.case_milestones", "staging.status_spans", "staging.ownership_spans",
    *CLOCK_PIPELINE, "staging.schedule_change_clocks", "staging.sla_root_causes", "staging.case_sla_metrics", "staging.case_stage_durations",
]
#: Made by their own SQL where a table with a history reads them.
BESIDE_THE_ROAD = [
    "staging.case_facts", "staging.agent_activity", "staging.reopen_rework", "staging.backlog_spans", "staging.backlog_clocks", "staging.backlog_debts",
    "staging.case_links", "staging.ownership_stints", "staging.ownership_contradictions", "staging.ownership_cases", "staging.handoff_pairs", "staging.routing_loop_paths",
    "staging.agent_handlings", "mart.team_latency_daily", "staging.queue_movements", "mart.desk_now", "mart.backlog_sources", "mart.clock_snapshot", "mart.backlog_snapshot", "mart.backlog_daily",
]

#: Always made by its own SQL where it is not given, as views are: budgets and burn rates are one definition with it.
COHORTS = ["mart.due_clocks"]

#: The tables that have rows, or had some: of each that has none DuckDB knows it, and emptying all of them takes longer than making many a table.
FILLED = "select schema_name || '.' || table_name from duckdb_tables() where estimated_size > 0"

#: Rows of the config: there before anything is made.
CONFIGURED = ("staging.ownership_rules", "staging.review_teams", "staging.team_calendars")


@pytest.fixture(scope="module")
def calendars() -> CalendarsSettings:
    return read_document(HERE / "calendars.yml", CalendarsSettings)


@pytest.fixture(scope="module")
def connection(calendars: CalendarsSettings) -> duckdb.DuckDBPyConnection:
    """A warehouse with every table, empty but for business time."""
    connection = duckdb.connect(config={"threads": 1})  # more cost more than they save on a handful of rows
    for schema in ("raw", "staging", "mart", "ops"):
        connection.execute(f"create schema {schema}")
    for table in STORED:
        columns = ", ".join(f"{column.name} {column.type}" for column in TABLES[table].columns)
        connection.execute(f"create table {table} ({columns})")
    replace_whole(connection, TABLES["staging.business_time"], business_time(calendars))
    replace_whole(connection, TABLES["staging.business_hours_dim"], business_hours(calendars))
    return connection


@pytest.mark.parametrize("path", CASES, ids=lambda path: "/".join(path.relative_to(HERE).with_suffix("").parts))
def test_golden(path: Path, calendars: CalendarsSettings, connection: duckdb.DuckDBPyConnection) -> None:
    case = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert set(case) <= FIELDS, f"unknown fields {set(case) - FIELDS}"
    assert case["why"].strip()
    table = f"{path.parent.parent.name}.{path.parent.name}"
    window = Window(*case["window"]) if "window" in case else DEFAULT_WINDOW

    _fill(connection, case, calendars, table, window)
    first, second = _made(connection, table, window), _made(connection, table, window)
    assert first == second, "made twice, not the same"

    expected = case["expected"]
    found = [
        {column: row[column] for column in wanted} for row, wanted in zip(first, expected, strict=False)
    ] + first[len(expected):]
    assert found == [_plain(row) for row in expected]
    outcome = check_schema(connection, TABLES[table], window if TABLES[table].kind is Kind.PARTITIONED else None)
    assert outcome.passed, outcome


def _fill(
    connection: duckdb.DuckDBPyConnection, case: dict[str, Any], calendars: CalendarsSettings, table: str,
    window: Window,
) -> None:
    kept = ("staging.business_time", "staging.business_hours_dim")
    filled = [name for (name,) in connection.execute(FILLED).fetchall() if name in STORED and name not in kept]
    if filled:
        connection.execute(f"begin; {'; '.join(f'truncate {name}' for name in filled)}; commit")  # one transaction, not one a table
    # Segments that a case before this one was given have no date; the calendars' own do.
    connection.execute("delete from staging.business_time where utc_date is null")
    policies = _policies(case)
    replace_promises(connection, policies, calendars.calendars)
    given = case.get("given", {})
    is_first = {name: name.startswith("raw.") or name in CONFIGURED or "history" not in case for name in given}
    _give(connection, {name: rows for name, rows in given.items() if is_first[name]}, window)
    for case_id, lines in case.get("history", {}).items():
        _log(connection, str(case_id), lines, window)
    road = ROAD[: ROAD.index(table)] if table in ROAD else ROAD
    first = 0 if "history" in case else 1 + max((road.index(name) for name in given if name in road), default=len(road))
    read = _read_by(table)
    for upstream in road[first:]:
        if upstream in read:
            _write(connection, upstream, window)
    _give(connection, {name: rows for name, rows in given.items() if not is_first[name]}, window)
    made = {*VIEWS, *COHORTS, *(BESIDE_THE_ROAD if "history" in case else ())} - set(given)
    for each in _below(table, made):
        _write(connection, each, window)


def _below(table: str, made: set[str]) -> list[str]:
    """Those of `made` that the table reads, those that they read before them."""
    read = sorted(made & _reads(table))
    return list(dict.fromkeys(name for each in read for name in (*_below(each, made), each)))


@cache
def _reads(table: str) -> frozenset[str]:
    path = sql_path(table)
    return frozenset(tables_read_by(path)) if path.exists() else frozenset()


@cache
def _read_by(table: str) -> frozenset[str]:
    """Every table that it takes to make `table`."""
    return _reads(table).union(*(_read_by(each) for each in _reads(table)))


@cache
def _shipped_policies() -> SlaPoliciesSettings:
    return read_document(SHIPPED_POLICIES, SlaPoliciesSettings)


def _policies(case: dict[str, Any]) -> SlaPoliciesSettings:
    if "clocks" not in case:
        shipped = _shipped_policies()
        on_calendar = [policy.model_copy(update={"calendar": case.get("calendar", "utc")}) for policy in shipped.policies]
        return shipped.model_copy(update={"policies": tuple(on_calendar)})
    targets = {
        name: {field: clock.pop(field) for field in ("target", "calendar") if field in clock} for name, clock in case["clocks"].items()
    }
    metrics = {name: {"title": name, **clock} for name, clock in case["clocks"].items()}
    policies = case.get("policies", [{"name": "desk", "calendar": "utc", "targets": targets}])
    return SlaPoliciesSettings.model_validate({"metrics": metrics, "policies": policies})


def _give(connection: duckdb.DuckDBPyConnection, given: dict[str, list[dict[str, Any]]], window: Window) -> None:
    for name, rows in given.items():
        for row in rows:
            _insert(connection, name, {"source": "test", "intake_date": window.start} | _plain(row))


def _log(connection: duckdb.DuckDBPyConnection, case_id: str, lines: list[str], window: Window) -> None:
    """One case and its events; the first INTAKE is the case's intake."""
    events = [_event(line) for line in lines]
    intake_ts = next(instant for instant, status, _, _ in events if status == "INTAKE")
    common = {"source": "test", "case_id": case_id, "intake_date": window.start}
    _insert(connection, "raw.cases", {**common, "intake_ts": intake_ts, "tier": "T1", "case_type": "question"})
    is_terminal = False
    for number, (instant, status, team, agent) in enumerate(events):
        _insert(connection, "raw.events_log", {
            **common, "event_id": f"{case_id}-{number}", "status": status, "event_ts": instant, "ingestion_ts": instant,
            "source_sequence": number, "is_reopen": is_terminal and status not in TERMINAL_STATUSES,
            "is_duplicate": False, "is_late_arriving": False, "is_tz_inconsistent": False, "team": team or None, "agent": agent or None,
        })
        is_terminal = status in TERMINAL_STATUSES


def _event(line: str) -> tuple[datetime, str, str, str]:
    """Instant, status, team and agent; a team has no blanks here."""
    stamp, told = line.rsplit(" ", 1)
    status, _, holder = told.partition("@")
    team, _, agent = holder.partition("/")
    return datetime.fromisoformat(stamp), status, team, agent


def _insert(connection: duckdb.DuckDBPyConnection, table: str, row: dict[str, Any]) -> None:
    known = [column.name for column in TABLES[table].columns]
    row = {name: value for name, value in row.items() if name in known or name not in ("source", "intake_date")}
    marks = ", ".join("?" for _ in row)
    connection.execute(f"insert into {table} ({', '.join(row)}) values ({marks})", list(row.values()))


def _made(connection: duckdb.DuckDBPyConnection, table: str, window: Window) -> list[dict[str, Any]]:
    _write(connection, table, window)
    key = ", ".join(TABLES[table].key)
    rows = connection.execute(f"select * from {table} order by {key}").fetchall()
    names = [column.name for column in TABLES[table].columns]
    return [dict(zip(names, row, strict=True)) for row in rows]


def _write(connection: duckdb.DuckDBPyConnection, table: str, window: Window) -> None:
    sql = load_sql(sql_path(table))
    if TABLES[table].kind is Kind.VIEW:
        replace_view(connection, TABLES[table], sql)
    elif TABLES[table].kind is Kind.FULL_REFRESH:
        replace_whole(connection, TABLES[table], sql)
    else:
        replace_window(connection, TABLES[table], window, [(window, sql)])


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    """Instants written with a T or a space, as YAML leaves them or as text."""
    return {
        column: datetime.fromisoformat(value) if isinstance(value, str) and _INSTANT.fullmatch(value) else value
        for column, value in row.items()
    }
