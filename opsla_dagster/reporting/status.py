"""What a home holds, as a table for the terminal.

Belongs here: `opsla status`. Does not belong here: figures about cases (report.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from dagster import DagsterInstance, DagsterRun
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from opsla_dagster.assets.made_dates import made_dates
from opsla_dagster.errors import OpslaError
from opsla_dagster.figures import counted
from opsla_dagster.instance.instance import is_killed, open_instance
from opsla_dagster.reporting import wording
from opsla_dagster.reporting.closing import figures_table, heading, promise_table
from opsla_dagster.reporting.marts import published
from opsla_dagster.reporting.promises import promise_figures
from opsla_dagster.reporting.run_summary import PromiseFigures
from opsla_dagster.settings import Settings
from opsla_dagster.settings.home import Home
from opsla_dagster.terminal import ruled_table
from opsla_dagster.warehouse.connection import reading
from opsla_dagster.window import dates_in_words

_RUNS_SHOWN, _PROMISES_SHOWN, _RANGES_SHOWN = 5, 20, 10
#: A run keeps the warehouse for minutes.
_PATIENCE_SECONDS = 0.5
_FIGURES = {"dates", "cases", "events", "rows", "megabytes"}


def print_standing(settings: Settings, console: Console) -> None:
    """Prints what an operator asks first: how far each source is known, the latest runs of the home, and what they left undone."""
    home = settings.home
    if not _has_history(home):
        return
    console.print(f"Home {home.root}", highlight=False)
    if home.marts_database.exists():
        with published(home.marts_database) as connection:
            sources = connection.execute(
                "select source, min(intake_date), max(intake_date), count(*), sum(cases), sum(events), max(as_of_at) "
                "from ops.refreshed_partitions group by source order by source"
            ).fetchall()
        console.print(_table(["source", "first date", "last date", "dates", "cases", "events", "as of (UTC)"], sources))
    with open_instance(home.root) as instance:
        runs = [
            (record.dagster_run.run_id, f"{record.create_timestamp:%Y-%m-%d %H:%M:%S}", _status_of(instance, record.dagster_run))
            for record in instance.get_run_records(limit=_RUNS_SHOWN)
        ]
    console.print(_table(["latest runs", "started (UTC)", "status"], runs) if runs else "No run was begun here yet.", highlight=False)
    _print_half_made_dates(home, console)


def _has_history(home: Home) -> bool:
    """Whether anything was done here; a home that only a mistyped OPSLA_HOME names is not made by looking at it."""
    return home.marts_database.exists() or (home.root / "dagster").is_dir()


def print_holdings(settings: Settings, console: Console, *, names_tables: bool) -> None:
    """Prints how the promises stand, what the home takes on disk, and the published tables: each with its rows, or how many there are. Raises OpslaError where nothing is published."""
    home = settings.home
    if not home.marts_database.exists():
        raise OpslaError(f"{home.root}: nothing is published here yet; `opsla run` makes a first window")
    with published(home.marts_database) as connection:
        marts = connection.execute(
            "select schema_name || '.' || table_name, estimated_size from duckdb_tables() order by 1"
        ).fetchall()
        promises = promise_figures(connection, settings.sla_policies)
    _print_promises(promises, console)
    console.print(_table(["on disk", "megabytes"], [(name, megabytes(sizes)) for name, sizes in _places(home).items()]))
    if names_tables:
        console.print(_table(["published table", "rows"], marts))
    else:
        console.print(f"{counted(len(marts), 'published table')}, {counted(sum(rows for _, rows in marts), 'row')}: `opsla status --tables` lists them.", highlight=False)


def _status_of(instance: DagsterInstance, run: DagsterRun) -> str:
    """The status of a run; of one that was killed, which its history calls started until the next command, that it was."""
    return "KILLED: its process is gone" if is_killed(instance, run) else run.status.value


def _print_promises(promises: Sequence[PromiseFigures], console: Console) -> None:
    """How the promises stand, counted as in the headline of a run, and how long their clocks took."""
    if not promises:
        return
    names_policy = len({promise.policy for promise in promises}) > 1
    shown = promises[:_PROMISES_SHOWN]
    console.print(heading(wording.EVERY_CLOCK, wording.ATTAINMENT), promise_table(shown, names_policy=names_policy))
    if len(promises) > len(shown):
        console.print(f" and {counted(len(promises) - len(shown), 'more promise', 'more promises')}: mart.sla_overview", highlight=False)
    if why_unknown := wording.unknown_note(shown):
        console.print(f" {why_unknown}", highlight=False)
    times = figures_table("Promise", "target", "stopped", *wording.OF_CLOCKS)
    for promise in shown:
        times.add_row(
            Text(wording.promise_name(promise, names_policy=names_policy)), promise.target or "of the source",
            wording.count(promise.stopped_clocks), *map(wording.time_taken, (promise.p50, promise.p90, promise.p95)),
        )  # fmt: skip
    console.print(heading("Time taken by the clocks that have stopped", "Open time of their calendars, without pauses."), times)


def _places(home: Home) -> dict[str, list[Path]]:
    """The parts of a home that grow, each with its files and directories."""
    dagster = home.root / "dagster"
    runs = dagster / "history" / "runs"
    index = sorted(runs.glob("index.db*"))
    return {
        "warehouse": sorted(home.root.glob(f"{home.warehouse.name}*")),
        "published marts": [home.marts_database, home.marts],
        "published cases": [home.case_copies],
        "run history: catalog of tables and dates": index,
        "run history: runs, schedules and their logs": [
            *sorted(set(runs.glob("*")) - set(index)), *sorted((dagster / "history").glob("*.db*")), dagster / "schedules", dagster / "storage",
        ],
        "bronze": [home.bronze],
        "reports": [home.reports],
    }  # fmt: skip


def megabytes(places: Iterable[Path]) -> str:
    """What these files and directories take together; those that are not there take nothing."""
    files = [file for place in places for file in (place.rglob("*") if place.is_dir() else [place]) if file.is_file()]
    return wording.decimal(sum(file.stat().st_size for file in files) / 1e6)


def _print_half_made_dates(home: Home, console: Console) -> None:
    """Intake dates whose last load was not followed by everything else: a run failed or was stopped on the way."""
    if not home.warehouse.exists():
        return
    try:
        with reading(home.warehouse, patience_seconds=_PATIENCE_SECONDS) as connection:
            dates = made_dates(connection).half_made
    except OpslaError as error:
        console.print(f"Half-made intake dates are not known now: {error}", highlight=False)
        return
    if dates:
        it = "it" if len(dates) == 1 else "them"
        console.print(f"Incomplete, loaded but not fully built: {dates_in_words(dates, _RANGES_SHOWN)}. `opsla refresh` makes {it}.", highlight=False)


def _table(headings: list[str], rows: Sequence[tuple[object, ...]]) -> RichTable:
    table = ruled_table()
    for name in headings:
        table.add_column(name, justify="right" if name in _FIGURES else "left")
    for row in rows:
        table.add_row(*[f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in row])
    return table
