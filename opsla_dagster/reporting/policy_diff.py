"""The same cases under two sets of promises: what would change.

Belongs here: judging the loaded cases by sla_policies.yml of another place, and holding two such judgements side by side. Does
not belong here: how a clock is judged (sql/staging/clocks/, which both sides run), and the warehouse's own clocks: nothing is written.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
from rich.console import Console
from rich.table import Table as RichTable

from opsla_dagster.calendars import business_hours, business_time
from opsla_dagster.catalog import TABLES
from opsla_dagster.catalog.clocks import CLOCK_PIPELINE
from opsla_dagster.errors import OpslaError
from opsla_dagster.reporting import wording
from opsla_dagster.reporting.marts import Row, rows
from opsla_dagster.reporting.promises import metric_title, policy_title
from opsla_dagster.reporting.spreadsheet import write_csv
from opsla_dagster.settings import Settings
from opsla_dagster.settings.base import read_document
from opsla_dagster.settings.calendars import CalendarsSettings
from opsla_dagster.settings.home import Home
from opsla_dagster.settings.sla_policies import SlaPoliciesSettings
from opsla_dagster.sources.desk import build_desk
from opsla_dagster.terminal import ruled_table
from opsla_dagster.warehouse.case_copy import attach_cases
from opsla_dagster.warehouse.connection import SCHEMAS, reading
from opsla_dagster.warehouse.parts import parts_of
from opsla_dagster.warehouse.promises import replace_promises
from opsla_dagster.warehouse.sql import load_sql, sql_path
from opsla_dagster.warehouse.write import replace_view, replace_whole, replace_window
from opsla_dagster.window import ONE_DAY, Window

#: What both sides are made of: the warehouse's, as they are.
_HELD = (
    "staging.messages_deduped", "raw.attribute_changes", "raw.applied_targets", "staging.case_milestones",
    "staging.ownership_spans", "staging.events_clean", "staging.status_spans", "raw.source_partitions", "ops.source_watermarks",
)
_CASES_SHOWN = 12

_SIDE = """
    select
        clocks.case_id, clocks.metric, clocks.cycle, clocks.policy, clocks.started_at, clocks.target_seconds,
        coalesce(running.elapsed_seconds, clocks.elapsed_seconds) as elapsed_seconds, clocks.due_at,
        coalesce(running.outcome, clocks.outcome) as outcome
    from {side}.staging.sla_clocks as clocks
    left join {side}.mart.open_clocks as running using (case_id, policy, metric, cycle)
    where not clocks.is_superseded and not clocks.is_source_promise
"""
_DIFFERENCES = f"""
    create table memory.main.differences as
    select
        coalesce(a.case_id, b.case_id) as case_id, coalesce(a.metric, b.metric) as metric, coalesce(a.cycle, b.cycle) as cycle,
        a.policy as policy_a, b.policy as policy_b, coalesce(a.outcome, 'no clock') as outcome_a,
        coalesce(b.outcome, 'no clock') as outcome_b, a.target_seconds as target_seconds_a, b.target_seconds as target_seconds_b,
        a.elapsed_seconds as elapsed_seconds_a, b.elapsed_seconds as elapsed_seconds_b, a.due_at as due_at_a, b.due_at as due_at_b
    from ({_SIDE.format(side='side_a')}) as a
    full join ({_SIDE.format(side='side_b')}) as b using (case_id, metric, cycle)
"""
_DIFFERS = "(outcome_a, target_seconds_a, elapsed_seconds_a, due_at_a) is distinct from " \
    "(outcome_b, target_seconds_b, elapsed_seconds_b, due_at_b)"
_PROMISED_BY_BOTH = "metric in (select metric from differences group by metric having count(policy_a) > 0 and count(policy_b) > 0)"


@dataclass(frozen=True)
class Promises:
    """One side: its policies, and the calendars they count on."""

    place: Path
    policies: SlaPoliciesSettings
    calendars: CalendarsSettings


def read_promises(place: Path, settings: Settings) -> Promises:
    """The promises at `place`: a file as sla_policies.yml, or a directory with one; calendars.yml from beside it if there is one.

    As in a run, the calendars that the desk's sources bring can be named too. Raises OpslaError for what is not there or wrong.
    """
    path = place / "sla_policies.yml" if place.is_dir() else place
    own = path.with_name("calendars.yml")
    calendars = read_document(own, CalendarsSettings) if own.exists() else settings.calendars
    return Promises(place, read_document(path, SlaPoliciesSettings), build_desk(settings).calendars(calendars))


@contextmanager
def compared(home: Home, a: Promises, b: Promises) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection whose table `differences` has one row a case, metric and cycle, with either side's verdict.

    Open clocks are judged as of the last look at their date. Raises OpslaError when nothing is loaded.
    """
    with reading(home.warehouse) as probe:
        found = probe.execute("select min(intake_date), max(intake_date) from staging.case_milestones").fetchone()
    if found is None or found[0] is None:
        raise OpslaError(f"{home.warehouse}: no case is loaded yet; `opsla run` loads a window")
    with duckdb.connect() as connection:
        judge_both(connection, [home.warehouse], Window(found[0], found[1] + ONE_DAY), a, b)
        yield connection


def judge_both(connection: duckdb.DuckDBPyConnection, held: Sequence[Path], window: Window, a: Promises, b: Promises) -> None:
    """Makes the table `differences` on an empty connection: the cases of `window` in the DuckDB files `held`, by either side's promises."""
    selects = attach_cases(connection, held, "held")
    for name, side in (("side_a", a), ("side_b", b)):
        _judge(connection, name, side, window, selects)
    connection.execute("use memory")
    connection.execute(_DIFFERENCES)


def _judge(connection: duckdb.DuckDBPyConnection, name: str, side: Promises, window: Window, held: Mapping[str, str]) -> None:
    """Every clock of the held cases by the promises of `side`, in a database of its own."""
    connection.execute(f"attach ':memory:' as {name}")
    connection.execute(f"use {name}")
    for schema in SCHEMAS:
        connection.execute(f"create schema {schema}")
    for table in _HELD:
        connection.execute(f"create view {table} as {held[table]}")
    replace_view(connection, TABLES["ops.partition_as_of"], load_sql(sql_path("ops.partition_as_of")))
    calendars = {"staging.business_time": business_time(side.calendars), "staging.business_hours_dim": business_hours(side.calendars)}
    for table, made in calendars.items():
        replace_whole(connection, TABLES[table], made)
    replace_promises(connection, side.policies, side.calendars.calendars)
    for table in CLOCK_PIPELINE:
        select = load_sql(sql_path(table))
        parts = [(part, select) for part in parts_of(connection, window)]
        replace_window(connection, TABLES[table], window, parts)
    replace_whole(connection, TABLES["mart.open_clocks"], load_sql(sql_path("mart.open_clocks")))


def changes(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    """By metric, policies and verdicts: how many clocks differ, changed verdicts first; of metrics that both sides promise."""
    return rows(connection, f"""
        select
            metric, policy_a, policy_b, case when outcome_a = outcome_b then 'same' else outcome_a end as was,
            case when outcome_a = outcome_b then 'same, with another target, time or due instant' else outcome_b end as becomes,
            count(*) as clocks, count(distinct case_id) as cases
        from differences
        where {_DIFFERS} and {_PROMISED_BY_BOTH}
        group by metric, policy_a, policy_b, was, becomes
        order by was = 'same', clocks desc, metric, policy_a, policy_b, was, becomes
    """)


def attainment(connection: duckdb.DuckDBPyConnection) -> list[Row]:
    """By metric: clocks and attainment on either side, and how many verdicts changed."""
    pct = "100.0 * count(*) filter ({0} = 'met') / nullif(count(*) filter ({0} in ('met', 'breached')), 0) as {1}"
    return rows(connection, f"""
        select
            metric, count(*) filter (outcome_a <> 'no clock') as clocks_a, count(*) filter (outcome_b <> 'no clock') as clocks_b,
            {pct.format('outcome_a', 'attainment_pct_a')}, {pct.format('outcome_b', 'attainment_pct_b')},
            count(*) filter (outcome_a <> outcome_b) as changed_verdicts
        from differences
        group by metric
        order by metric
    """)


def write_cases(connection: duckdb.DuckDBPyConnection, path: Path, *, raw: bool = False) -> int:
    """Every clock that differs as CSV, by case, for spreadsheets unless `raw`; returns how many there are."""
    try:
        return write_csv(connection, f"select * from differences where {_DIFFERS} order by case_id, metric, cycle", path, raw=raw)
    except duckdb.IOException as error:
        raise OpslaError(f"{path}: cannot be written: {str(error).splitlines()[0]}") from error


def print_differences(connection: duckdb.DuckDBPyConnection, a: Promises, b: Promises, console: Console) -> None:
    """What changes from `a` to `b`: by metric, by policy, and the first cases whose verdict does."""
    console.print(f"A  {a.place}\nB  {b.place}", highlight=False, markup=False)
    console.print(_table(
        "Attainment: met clocks in % of those met or breached",
        [("promise", "metric"), ("clocks A", "clocks_a"), ("clocks B", "clocks_b"), ("attainment A", "attainment_pct_a"),
         ("attainment B", "attainment_pct_b"), ("verdicts changed", "changed_verdicts")],
        _titled(attainment(connection), a, b),
    ))  # fmt: skip
    changed = changes(connection)
    if not changed:
        console.print("Nothing changes: every clock has the same policy, time, due instant and verdict.")
        return
    console.print(_table(
        "What changes",
        [("promise", "metric"), ("policy A", "policy_a"), ("policy B", "policy_b"), ("verdict A", "was"),
         ("verdict B", "becomes"), ("clocks", "clocks"), ("cases", "cases")],
        _titled(changed, a, b),
    ))  # fmt: skip
    cases = rows(connection, f"""
        select
            case_id, metric, cycle, outcome_a, outcome_b, elapsed_seconds_a / 60.0 as minutes_a,
            elapsed_seconds_b / 60.0 as minutes_b,
            due_at_a, due_at_b
        from differences
        where outcome_a <> outcome_b and {_PROMISED_BY_BOTH}
        order by case_id, metric, cycle
        limit {_CASES_SHOWN}
    """)
    if cases:
        console.print(_table(
            "The first cases whose verdict changes",
            [("case", "case_id"), ("promise", "metric"), ("cycle", "cycle"), ("verdict A", "outcome_a"), ("verdict B", "outcome_b"),
             ("took A", "minutes_a"), ("took B", "minutes_b"), ("due A (UTC)", "due_at_a"), ("due B (UTC)", "due_at_b")],
            [
                {**row, "minutes_a": wording.time_taken(row["minutes_a"]), "minutes_b": wording.time_taken(row["minutes_b"])}
                for row in _titled(cases, a, b)
            ],
        ))  # fmt: skip


def _titled(found: list[Row], a: Promises, b: Promises) -> list[Row]:
    """The rows with titles in place of names: a metric's as the side that has it calls it, a policy's as its own side does."""
    titled = []
    for row in found:
        knowing = a if row["metric"] in a.policies.metrics else b
        sides = {name: side for name, side in (("policy_a", a), ("policy_b", b)) if row.get(name)}
        titles = {name: policy_title(side.policies, row[name]) for name, side in sides.items()}
        titled.append({**row, **titles, "metric": metric_title(knowing.policies, row["metric"])})
    return titled


def _table(title: str, columns: list[tuple[str, str]], found: list[Row]) -> RichTable:
    table = ruled_table(title=title)
    for heading, name in columns:
        is_figure = any(isinstance(row[name], int | float) for row in found)
        table.add_column(heading, justify="right" if is_figure else "left", no_wrap=heading == "case")
    for row in found:
        table.add_row(*[_cell(row[name]) for _, name in columns])
    return table


def _cell(value: Any) -> str:
    if value is None:
        return wording.MISSING
    if isinstance(value, float):
        return wording.decimal(value, 2)
    return f"{value:,}" if isinstance(value, int) else str(value)
