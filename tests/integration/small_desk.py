"""Homes of a small desk, made and refreshed in this process or by the command line, and what their tables hold.

Belongs here: what the tests of replays, gates, kills and the UI share. Does not belong here: tests.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import dagster as dg
import duckdb
import effort
import pytest
import yaml

from opsla_dagster.assets.factory import TableAsset, make_table
from opsla_dagster.assets.graph import table_assets, upstream
from opsla_dagster.assets.operations import PUBLISHED_MARTS
from opsla_dagster.assets.rules import settings_fingerprint
from opsla_dagster.assets.scope import Scope
from opsla_dagster.automation import schedule
from opsla_dagster.automation.refresh import refresh_windows
from opsla_dagster.automation.schedule import refresh_id
from opsla_dagster.catalog import TABLES, Kind
from opsla_dagster.checks.outcome import Outcome
from opsla_dagster.settings import Settings, load_settings
from opsla_dagster.settings.quality_gates import QualityGatesSettings
from opsla_dagster.settings.sources import SourcesSettings
from opsla_dagster.sources.desk import build_desk
from opsla_dagster.sources.filled import active_tables
from opsla_dagster.warehouse.connection import Warehouse
from opsla_dagster.warehouse.loads import record_loads
from opsla_dagster.warehouse.publish import publish
from opsla_dagster.warehouse.write import ensure_table
from opsla_dagster.window import ONE_DAY, Window, dates_of

REPOSITORY = Path(__file__).resolve().parents[2]
NEW_YORK = ZoneInfo("America/New_York")
FIRST = date(2025, 7, 1)
#: Calendars reach from 2010 to 2036; so much of them keeps the spine's walk and the segments small.
HORIZON = {"start": "2025-06-01", "end": "2026-06-01"}
#: What was shown and predicted at each of the instants at which somebody could look, and what came of it.
SEEN_TABLES = ("ops.next_best_shown", "mart.next_best_followed", "mart.risk_predictions", "mart.risk_scorecard")
#: What differs between two ways to the same tables, and should: each date says as of when, and by what, it was loaded last, and
#: only refreshes look at every date.
AS_OF_OF_THE_LOAD = {
    ("raw.source_partitions", "as_of_at"), ("raw.source_partitions", "refresh"), ("raw.source_partitions", "previous_watermark_at"),
    ("ops.refreshed_partitions", "as_of_at"), ("ops.source_watermarks", "source"), ("ops.source_watermarks", "as_of_at"),
    *((name, column.name) for name in SEEN_TABLES for column in TABLES[name].columns),
}

takes_minutes = effort.takes_minutes

Rows = list[tuple[object, ...]]


# ---- settings --------------------------------------------------------------------------------------------------------


def write_config(directory: Path, sources: dict[str, Any] | None = None) -> Path:
    """A config directory like the shipped one, with a short horizon; `sources` replaces sources.yml."""
    shutil.copytree(REPOSITORY / "config", directory)
    calendars = yaml.safe_load((directory / "calendars.yml").read_text(encoding="utf-8"))
    (directory / "calendars.yml").write_text(yaml.safe_dump(calendars | {"horizon": HORIZON}), encoding="utf-8")
    if sources is not None:
        (directory / "sources.yml").write_text(yaml.safe_dump(sources), encoding="utf-8")
    return directory


def desk_settings(directory: Path, *, cases: int, config: Path | None = None, gates: bool = True) -> Settings:
    """Settings of a simulated desk in a home of its own; tiny desks scatter beyond any gate and go without."""
    home = directory / "home"
    settings = load_settings(config or write_config(directory / "config"), home)
    home.mkdir(parents=True, exist_ok=True)
    without = {} if gates else {"quality_gates": QualityGatesSettings(gates={})}
    return replace(settings, simulated_cases=cases, **without)


def elsewhere(settings: Settings, directory: Path) -> Settings:
    """The same settings in another, fresh home."""
    home = directory / "home"
    home.mkdir(parents=True)
    return replace(settings, home=type(settings.home).of(home))


def copied(settings: Settings, directory: Path) -> Settings:
    """The same settings in a copy of their home."""
    shutil.copytree(settings.home.root, directory / "home")
    return replace(settings, home=type(settings.home).of(directory / "home"))


def with_sources(settings: Settings, *sources: dict[str, Any], **desk: object) -> Settings:
    """The same settings over other sources."""
    document = {"desk": {"timezone": "America/New_York", "start_date": FIRST, **desk}, "sources": list(sources)}
    return replace(settings, sources=SourcesSettings.model_validate(document))


def log_of(path: Path, **overrides: Any) -> dict[str, Any]:
    """A source over one CSV file with the columns number, state and at (UTC)."""
    return {
        "type": "event_log", "name": "desk_log", "files": str(path), "time": {"timezone": "UTC"},
        "columns": {"case_id": "number", "status": "state", "event_ts": "at"},
        "statuses": {"New": "INTAKE", "Seen": "TRIAGE", "Active": "INVESTIGATION", "Done": "RESOLVED"},
        **overrides,
    }  # fmt: skip


# ---- instants and windows --------------------------------------------------------------------------------------------


def one_o_clock(day: date) -> datetime:
    """01:00 in New York on that date, as naive UTC: when the daily refresh starts."""
    local = datetime(day.year, day.month, day.day, 1, tzinfo=NEW_YORK)
    return local.astimezone(UTC).replace(tzinfo=None)


def july(first: int, last: int) -> Window:
    """Both dates included."""
    return Window(date(2025, 7, first), date(2025, 7, last) + ONE_DAY)


# ---- making tables ---------------------------------------------------------------------------------------------------


def up_to(settings: Settings, *tables: str) -> set[str]:
    """These tables, and every one that they are made from."""
    return set(upstream({line.name: line for line in table_assets(settings)}, *tables))


def dated(settings: Settings) -> set[str]:
    """The tables that a load is remembered by, and what they are made from: all that planning and refusing look at, at half the price."""
    partitioned = [line.name for line in table_assets(settings) if line.table.kind is Kind.PARTITIONED]
    return up_to(settings, *partitioned, "ops.source_watermarks", "ops.partition_as_of")


def core(settings: Settings) -> set[str]:
    """A date's records and milestones, and what a load is remembered by: at a fifth of the price, for tests to which the other dated tables are not the
    point. All the dated ones in `make hold`.
    """
    if effort.IS_HOLD:
        return dated(settings)
    return up_to(settings, "staging.case_milestones") | {"ops.refreshed_partitions", "ops.source_watermarks", "ops.partition_as_of"}


def narrow_runs(monkeypatch: pytest.MonkeyPatch, *tables: str, publishes: bool = False) -> None:
    """Runs of this process make these tables and what they are made from, for tests to which the others are not the point; they publish only on request."""
    everything = schedule.refreshed_assets

    def wanted(settings: Settings) -> list[dg.AssetKey]:
        kept = up_to(settings, *tables)
        return [key for key in everything(settings) if ".".join(key.path) in kept or (publishes and key == PUBLISHED_MARTS)]

    monkeypatch.setattr(schedule, "refreshed_assets", wanted)


def _in_order(settings: Settings) -> list[TableAsset]:
    lines = {line.name: line for line in table_assets(settings)}
    return [lines[name] for name in TopologicalSorter({name: line.deps for name, line in lines.items()}).static_order()]


def make(
    settings: Settings, windows: Sequence[Window], as_of_at: datetime, only: Iterable[str] | None = None,
    *, is_refresh: bool = False,
) -> list[tuple[str, Outcome]]:
    """Makes and judges every table (or `only` these) as a run of `opsla refresh` (or `opsla run`) does, without Dagster around it; publishes.

    Returns the outcome of each check with its table, in order.
    """
    wanted = None if only is None else set(only)
    outcomes: list[tuple[str, Outcome]] = []
    dates = dates_of(windows)
    days = dates.days if is_refresh else None
    warehouse = Warehouse(database=str(settings.home.warehouse))
    desk = build_desk(settings)
    try:
        if not effort.IS_HOLD:  # tables this small take a fifth longer on two
            warehouse.connection().execute("set threads = 1")
        for line in _in_order(settings):
            if wanted is not None and line.name not in wanted:
                continue
            own = dates if line.table.kind is Kind.PARTITIONED else None
            found: list[Outcome] = []
            make_table(line, Scope(warehouse.connection(), desk, settings, as_of_at, own, dates, refresh_id(dates, as_of_at), days), found)
            outcomes += [(line.name, outcome) for outcome in found]
        if wanted is None:
            publish(
                warehouse.connection(), settings.home,
                [line.name for line in _in_order(settings) if line.table.schema in ("mart", "ops") and line.table.is_published],
            )
    finally:
        warehouse.close()
    return outcomes


def refresh(settings: Settings, as_of_at: datetime, only: Iterable[str] | None = None) -> list[Window]:
    """What `opsla refresh --as-of` does (to `only` these tables), without Dagster; returns the windows it made."""
    windows = plan(settings, as_of_at)
    if windows:
        make(settings, windows, as_of_at, only, is_refresh=True)
    return windows


def plan(settings: Settings, as_of_at: datetime) -> list[Window]:
    """The windows that a refresh would make."""
    return refresh_windows(settings, build_desk(settings), as_of_at)


def load_states(settings: Settings, windows: Sequence[Window], as_of_at: datetime) -> None:
    """Records the windows as loaded to the end, and loads nothing else: all that planning looks at."""
    make(settings, windows, as_of_at, only=["raw.source_partitions"])
    looked_at = core(settings)
    tables = [line.name for line in _in_order(settings) if line.table.kind is Kind.PARTITIONED and line.name in looked_at]
    with duckdb.connect(str(settings.home.warehouse)) as connection:
        for table in tables:
            ensure_table(connection, TABLES[table])
            if table != "raw.source_partitions":
                record_loads(connection, TABLES[table], dates_of(windows), ["raw.source_partitions"], settings_fingerprint(settings))
    make(settings, windows, as_of_at, only=["ops.refreshed_partitions"])


# ---- looking at tables -----------------------------------------------------------------------------------------------


def contents(database: Path, tables: Iterable[str] = TABLES, leaving_out: Iterable[tuple[str, str]] = ()) -> dict[str, Rows]:
    """Every row of each table there is, sorted; the columns `leaving_out` (table, column) aside, and tables left without any."""
    left_out = set(leaving_out)
    columns = {name: [each.name for each in TABLES[name].columns if (name, each.name) not in left_out] for name in tables}
    with duckdb.connect(str(database), read_only=True) as connection:
        made = {row[0] for row in connection.execute("select table_schema || '.' || table_name from information_schema.tables").fetchall()}
        return {
            name: connection.execute(f"select {', '.join(names)} from {name} order by all").fetchall()
            for name, names in columns.items()
            if names and name in made
        }


def rows(database: Path, sql: str) -> Rows:
    with duckdb.connect(str(database), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def differences(found: dict[str, Rows], expected: dict[str, Rows]) -> dict[str, str]:
    """What differs, by table, as a text that an assertion can show."""
    assert found.keys() == expected.keys()
    told = {}
    for name in expected:
        if found[name] != expected[name]:
            extra = [row for row in found[name] if row not in expected[name]][:2]
            missing = [row for row in expected[name] if row not in found[name]][:2]
            told[name] = f"{len(found[name])} rows, expected {len(expected[name])}; not expected {extra}, missing {missing}"
    return told


# ---- whole homes -----------------------------------------------------------------------------------------------------


def copy_tables(home: Path, to: Path) -> Path:
    """A home with the same tables and published marts, and no memory of runs."""
    to.mkdir(parents=True, exist_ok=True)
    for name in ("ops_warehouse.duckdb", "marts.duckdb", "simulated_cases"):
        shutil.copy(home / name, to / name)
    shutil.copytree(home / "marts", to / "marts")
    return to


#: The tables of a simulated desk that hold rows, and those of its published copy.
_SIMULATED = active_tables(load_settings(REPOSITORY / "config").sources)
STORED = [table.name for table in _SIMULATED if table.kind is not Kind.VIEW]
PUBLISHED = [table.name for table in _SIMULATED if table.schema in ("mart", "ops") and table.is_published]
