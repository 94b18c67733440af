"""The desk that is measured: the shipped configuration, simulated at a scale, in a home of its own.

Belongs here: making tables bare (the same SELECTs and writes as a run, without Dagster, checks and publishing) and by a whole run. Does not
belong here: what is compared with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from graphlib import TopologicalSorter
from pathlib import Path

from opsla_dagster.assets.factory import TableAsset, write_table
from opsla_dagster.assets.graph import TABLE_ASSETS
from opsla_dagster.assets.scope import Scope
from opsla_dagster.catalog import Kind
from opsla_dagster.errors import OpslaError
from opsla_dagster.instance.instance import open_instance
from opsla_dagster.running import run_windows
from opsla_dagster.settings import Settings, load_settings
from opsla_dagster.sources.desk import build_desk
from opsla_dagster.warehouse.connection import Warehouse
from opsla_dagster.window import Window

REPOSITORY = Path(__file__).resolve().parents[1]
#: So long after the last intake date nothing arrives any more.
SETTLED_AFTER = timedelta(days=90)

#: Tables a SELECT makes, and those made in Python, each after what it is made from.
LINES = [
    TABLE_ASSETS[name] for name in TopologicalSorter({line.name: line.deps for line in TABLE_ASSETS.values()}).static_order()
]


@dataclass(frozen=True)
class Scale:
    """`cases` over the configured 180 days, of which the first `days` are loaded."""

    cases: int
    days: int
    rounds: int


def desk_settings(home: Path, cases: int) -> Settings:
    """The shipped configuration with `cases` cases in its window, and a home in `home`."""
    home.mkdir(parents=True, exist_ok=True)
    return replace(load_settings(REPOSITORY / "config", home), simulated_cases=cases)


def window_of(settings: Settings, days: int) -> Window:
    """The first `days` days of the desk."""
    start = settings.sources.desk.start_date
    return Window(start, start + timedelta(days=days))


def settled_at(window: Window) -> datetime:
    """An instant (naive UTC) at which every case of the window has ended."""
    return datetime.combine(window.end + SETTLED_AFTER, time())


@contextmanager
def bare(settings: Settings, window: Window, as_of_at: datetime) -> Iterator[Scope]:
    """The scope of a run over `window`, as the product's own resources make it, without Dagster."""
    warehouse = Warehouse(database=str(settings.home.warehouse), connection_config=settings.home.duckdb_config())
    try:
        yield Scope(warehouse.connection(), build_desk(settings), settings, as_of_at, window)
    finally:
        warehouse.close()


def write_bare(line: TableAsset, scope: Scope) -> int:
    """One table, its checks left out."""
    return write_table(line, scope if line.table.kind is Kind.PARTITIONED else replace(scope, dates=None))


def run_bare(settings: Settings, window: Window, as_of_at: datetime) -> None:
    """Every table of a run."""
    with bare(settings, window, as_of_at) as scope:
        for line in LINES:
            write_bare(line, scope)


def run_orchestrated(settings: Settings, window: Window) -> None:
    """What `opsla run` carries out, with every check and the publishing. Raises OpslaError where it fails."""
    with open_instance(settings.home.root) as instance:
        finished = run_windows(settings, instance, [window], settled_at(window), lambda _table, _rows: None, is_refresh=False)
    if not finished.succeeded:
        raise OpslaError(f"the run that was to be measured failed: {finished.error}")
