"""The worked cases of docs/decisions/0011 to 0013, on a log of a few lines and a home of its own.

Belongs here: what takes several runs to show. Does not belong here: worked cases of one SELECT; those are golden tests.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path

import duckdb
import pytest
from small_desk import SEEN_TABLES, core, dated, make, takes_minutes, up_to

from opsla_dagster.automation.refresh import refresh_windows
from opsla_dagster.catalog import Kind
from opsla_dagster.errors import OpslaError
from opsla_dagster.settings import Settings, load_settings
from opsla_dagster.sources.desk import build_desk
from opsla_dagster.sources.filled import active_tables
from opsla_dagster.warehouse.connection import reading
from opsla_dagster.warehouse.publish import publish
from opsla_dagster.window import Window

SHIPPED = Path(__file__).parents[2] / "config"

#: What the log of the desk says in the end; a run sees what had happened by its as-of instant.
LOG = """case,state,at
a,INTAKE,2025-07-01 13:00:00
a,TRIAGE,2025-07-01 13:10:00
a,RESOLVED,2025-07-01 15:00:00
b,INTAKE,2025-07-01 14:00:00
b,TRIAGE,2025-07-01 14:10:00
c,INTAKE,2025-07-02 16:00:00
b,RESOLVED,2025-07-05 15:00:00
"""
SOURCE = """
  - name: {name}
    type: event_log
    files: {name}.csv
    time: {{timezone: UTC}}
    columns: {{case_id: case, status: state, event_ts: at}}
    statuses: {{INTAKE: INTAKE, TRIAGE: TRIAGE, RESOLVED: RESOLVED}}
"""

#: 26 years of business time would be most of the work.
HORIZON = "horizon: {start: 2025-01-01, end: 2026-01-01}"

JULY_1, JULY_2 = Window(date(2025, 7, 1), date(2025, 7, 2)), Window(date(2025, 7, 2), date(2025, 7, 3))
JULY_3_TO_5 = Window(date(2025, 7, 3), date(2025, 7, 6))


class Home:
    """A config directory with one log, and the runs made from it."""

    def __init__(self, directory: Path) -> None:
        self.config = directory / "config"
        self._root = directory / "home"
        if self._root.exists():  # a copy of another one
            return
        shutil.copytree(SHIPPED, self.config)
        (self.config / "quality_gates.yml").write_text("gates: {}\n", encoding="utf-8")
        calendars = self.config / "calendars.yml"
        text = re.sub("horizon: .*", HORIZON, calendars.read_text(encoding="utf-8"))
        calendars.write_text(text.replace("zone: America/New_York", "zone: UTC"), encoding="utf-8")
        (self.config / "desk.csv").write_text(LOG, encoding="utf-8")
        self._root.mkdir()
        self.name_sources(SOURCE.format(name="desk"))

    def name_sources(self, *sources: str) -> None:
        desk = "desk: {timezone: UTC, start_date: 2025-07-01}\nsources:"
        (self.config / "sources.yml").write_text(desk + "".join(sources), encoding="utf-8")

    @property
    def settings(self) -> Settings:
        return load_settings(self.config, self._root)

    def windows(self, as_of_at: datetime) -> list[Window]:
        return refresh_windows(self.settings, build_desk(self.settings), as_of_at)

    def run(self, windows: list[Window], as_of_at: datetime, only: set[str] | None = None) -> None:
        make(self.settings, windows, as_of_at, only, is_refresh=True)

    @contextmanager
    def warehouse(self) -> Iterator[duckdb.DuckDBPyConnection]:
        with reading(self.settings.home.warehouse) as connection:
            yield connection

    def stored_rows(self, only: set[str] | None = None) -> dict[str, list[tuple[object, ...]]]:
        """Every table made from cases (or `only` these), without what was seen at some instant and the columns that say when and by what it was made."""
        rows = {}
        with self.warehouse() as connection:
            for table in active_tables(self.settings.sources):
                if table.kind is Kind.VIEW or table.schema in ("raw", "ops") or table.name in ("staging.business_minutes_dim", *SEEN_TABLES):
                    continue
                if only is not None and table.name not in only:
                    continue
                columns = ", ".join(column.name for column in table.columns if column.name != "as_of_at")
                rows[table.name] = connection.execute(f"select {columns} from {table.name} order by all").fetchall()
        return rows


def at(day: int) -> datetime:
    return datetime(2025, 7, day, 6)


@pytest.fixture(scope="module")
def july_1(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home in which 1 July is loaded as of the next morning; tests work on copies of it."""
    directory = tmp_path_factory.mktemp("worked_cases") / "july_1"
    home = Home(directory)
    home.run([JULY_1], at(2), made(home.settings))
    with duckdb.connect(str(home.settings.home.warehouse)) as connection:
        publish(connection, home.settings.home, ["mart.sla_overall"])
    return directory


def made(settings: Settings) -> set[str]:
    """What that home holds."""
    return core(settings) | up_to(settings, "mart.sla_overall")


def copy_of(directory: Path, target: Path) -> Home:
    shutil.copytree(directory, target)
    return Home(target)


@takes_minutes
def test_a_refresh_makes_what_changed_and_ends_where_one_run_would(july_1: Path, tmp_path: Path) -> None:
    home = copy_of(july_1, tmp_path / "daily")
    assert home.windows(at(3)) == [JULY_2]
    only = dated(home.settings)
    home.run(home.windows(at(3)), at(3), only)
    assert home.windows(at(3)) == [JULY_2], "again: only yesterday"

    assert home.windows(at(6)) == [JULY_1, JULY_3_TO_5]
    home.run(home.windows(at(6)), at(6), only)

    fresh = Home(tmp_path / "at_once")
    fresh.run([Window(JULY_1.start, JULY_3_TO_5.end)], at(6), only)
    assert home.stored_rows(only) == fresh.stored_rows(only)
    ended = {row[0]: row[1] for row in _ends(home)}
    assert ended == {"a": datetime(2025, 7, 1, 15), "b": datetime(2025, 7, 5, 15), "c": None}


def test_an_id_of_another_source_is_refused_and_nothing_is_lost(july_1: Path, tmp_path: Path) -> None:
    home = copy_of(july_1, tmp_path / "two_sources")
    before = home.stored_rows(made(home.settings))
    published = home.settings.home.marts_database.read_bytes()

    (home.config / "shop.csv").write_text("case,state,at\na,INTAKE,2025-07-02 12:00:00\n", encoding="utf-8")
    home.name_sources(SOURCE.format(name="desk"), SOURCE.format(name="shop"))
    with pytest.raises(OpslaError, match=r"^raw\.cases: assert_cases_are_unique_in_the_warehouse failed \(offending_rows"):
        home.run([JULY_2], at(3))
    assert home.stored_rows(made(home.settings)) == before
    assert home.settings.home.marts_database.read_bytes() == published

    prefixed = SOURCE.format(name="shop") + "    case_id_prefix: shop-\n"
    home.name_sources(SOURCE.format(name="desk"), prefixed)
    home.run([JULY_2], at(3), up_to(home.settings, "raw.events_log"))
    with home.warehouse() as connection:
        cases = connection.execute("select case_id, source from raw.cases order by case_id").fetchall()
        events = connection.execute("select event_id from raw.events_log where source = 'shop'").fetchall()
    assert cases == [("a", "desk"), ("b", "desk"), ("c", "desk"), ("shop-a", "shop")]
    assert events == [("shop-a#0001",)]


def _ends(home: Home) -> list[tuple[object, ...]]:
    with home.warehouse() as connection:
        return connection.execute("select case_id, ended_at from staging.case_milestones").fetchall()


