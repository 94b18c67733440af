"""What a home holds, as a table for the terminal.

Belongs here: `opsla status`. Does not belong here: figures about cases (report.py).
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table as RichTable

from opsla_dagster.errors import OpslaError
from opsla_dagster.instance.instance import open_instance
from opsla_dagster.reporting import wording
from opsla_dagster.reporting.marts import published
from opsla_dagster.reporting.promises import promise_figures
from opsla_dagster.settings import Settings

_RUNS_SHOWN, _PROMISES_SHOWN = 5, 20
_PROMISES = ["promise", "policy", "target", "kept", "clocks", "broken", "running", "p50", "p95"]
_FIGURES = {"dates", "cases", "events", "rows", "kept", "clocks", "broken", "running", "p50", "p95"}


def print_status(settings: Settings, console: Console) -> None:
    """Prints the published marts, how the promises stand, the intake dates refreshed, and the latest runs of the home."""
    home = settings.home
    if not home.marts_database.exists():
        raise OpslaError(f"{home.root}: nothing is published here yet; `opsla run` makes a first window")
    with published(home.marts_database) as connection:
        sources = connection.execute(
            "select source, min(intake_date), max(intake_date), count(*), sum(cases), sum(events), max(as_of_at) "
            "from ops.refreshed_partitions group by source order by source"
        ).fetchall()
        marts = connection.execute(
            "select schema_name || '.' || table_name, estimated_size from duckdb_tables() order by 1"
        ).fetchall()
        promises = promise_figures(connection, settings.sla_policies)
    console.print(f"Home {home.root}", highlight=False)
    console.print(_table(["source", "first date", "last date", "dates", "cases", "events", "as of (UTC)"], sources))
    console.print(_table(_PROMISES, [
        (
            promise.title, promise.policy_title, promise.target or "of the source", wording.percent(promise.kept_pct), promise.clocks,
            promise.broken_clocks, promise.running_clocks, wording.time_taken(promise.p50), wording.time_taken(promise.p95),
        )
        for promise in promises[:_PROMISES_SHOWN]
    ]))  # fmt: skip
    if len(promises) > _PROMISES_SHOWN:
        console.print(f"and {len(promises) - _PROMISES_SHOWN} more promises: mart.sla_overview", highlight=False)
    console.print(_table(["published table", "rows"], marts))
    with open_instance(home.root) as instance:
        runs = [
            (record.dagster_run.run_id, f"{record.create_timestamp:%Y-%m-%d %H:%M:%S}", record.dagster_run.status.value)
            for record in instance.get_run_records(limit=_RUNS_SHOWN)
        ]
    console.print(_table(["latest runs", "started (UTC)", "status"], runs))


def _table(headings: list[str], rows: Sequence[tuple[object, ...]]) -> RichTable:
    table = RichTable()
    for heading in headings:
        table.add_column(heading, justify="right" if heading in _FIGURES else "left")
    for row in rows:
        table.add_row(*[f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in row])
    return table
