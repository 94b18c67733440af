"""A home of an earlier version goes on: what is loaded is made anew, the history stays, the marts are published.

The homes are those that the released versions themselves made (tests/fixtures/homes). Belongs here: older and newer homes. Does not
belong here: columns and tables as such.
"""

from __future__ import annotations

import shutil
import sys
import tarfile
from datetime import date, datetime
from pathlib import Path

import duckdb
import pytest
from small_desk import AS_OF_OF_THE_LOAD, contents, differences, make, plan, rows

from opsla_dagster import cli
from opsla_dagster.automation.chosen import with_loaded_dates
from opsla_dagster.catalog import TABLES
from opsla_dagster.errors import OpslaError
from opsla_dagster.instance.instance import open_instance
from opsla_dagster.settings import Settings, load_settings
from opsla_dagster.settings.home import Home
from opsla_dagster.sources.filled import active_tables
from opsla_dagster.warehouse.connection import Warehouse, pending_upgrade, reading
from opsla_dagster.warehouse.schema_version import RETIRED, SCHEMA_VERSION, upgrade
from opsla_dagster.window import Window

HOMES = sorted((Path(__file__).parents[1] / "fixtures" / "homes").glob("opsla-*.tar.xz"))
AS_OF = datetime(2025, 7, 11, 6)
LOADED = [Window(date(2025, 7, 1), date(2025, 7, 5)), Window(date(2025, 7, 7), date(2025, 7, 10))]
#: What the daily refresh adds: yesterday.
REFRESHED = [LOADED[0], Window(date(2025, 7, 7), date(2025, 7, 11))]


def unpacked(archive: Path, directory: Path) -> Path:
    """The directory with log.csv and desk/, whose home is desk/.opsla."""
    with tarfile.open(archive) as packed:
        packed.extractall(directory, filter="data")
    return directory


def opsla(arguments: list[str], desk: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setenv("OPSLA_CONFIG", str(desk))
    monkeypatch.setenv("OPSLA_HOME", str(desk / ".opsla"))
    monkeypatch.setattr(sys, "argv", ["opsla", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return int(ended.value.code or 0)


@pytest.fixture(scope="module", params=HOMES, ids=lambda archive: archive.name.removesuffix(".tar.xz"))
def older(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory desk/ of a released version, with a table of its owner's in the warehouse. Not to be changed."""
    desk = unpacked(request.param, tmp_path_factory.mktemp("older")) / "desk"
    with duckdb.connect(str(Home.of(desk / ".opsla").warehouse)) as warehouse:
        warehouse.execute("create table mart.my_own as select 42 as answer")
    return desk


@pytest.fixture(scope="module")
def upgraded(older: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A copy of it after `opsla refresh`, and what that printed."""
    directory = tmp_path_factory.mktemp("upgraded")
    shutil.copytree(older.parent, directory, dirs_exist_ok=True)
    with pytest.MonkeyPatch.context() as monkeypatch, cli.console.capture() as said:
        code = opsla(["refresh", "--as-of", AS_OF.isoformat()], directory / "desk", monkeypatch)
    assert code == 0
    return directory / "desk", said.get()


@pytest.mark.parametrize("arguments", [["report"], ["status"], ["explain", "C-2"], ["export", "--format", "csv"], ["agents"]], ids=" ".join)
def test_what_reads_an_older_home_says_that_a_refresh_upgrades_it(
    older: Path, arguments: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert opsla(arguments, older, monkeypatch) == 1
    complaint = capsys.readouterr().err
    assert "is of opsla 0." in complaint
    assert "opsla refresh`: it upgrades this home" in complaint


def test_the_next_refresh_tells_of_the_upgrade_and_makes_every_loaded_date(upgraded: tuple[Path, str]) -> None:
    _, said = upgraded
    assert "was made by opsla 0." in said
    assert "what is loaded is made anew and published, and the history of runs stays" in " ".join(said.split())
    assert f"To rebuild: 8 intake dates, {', '.join(map(str, REFRESHED))}" in said


def test_an_upgraded_home_has_the_rows_of_a_fresh_one(upgraded: tuple[Path, str], tmp_path: Path) -> None:
    desk, _ = upgraded
    home = Home.of(desk / ".opsla")
    settings = load_settings(desk, tmp_path / "fresh")
    settings.home.root.mkdir()
    make(settings, REFRESHED, AS_OF, is_refresh=True)

    made = [table.name for table in active_tables(settings.sources)]
    found, expected = (contents(warehouse, made, AS_OF_OF_THE_LOAD) for warehouse in (home.warehouse, settings.home.warehouse))
    assert len(expected["staging.sla_clocks"]) == 30
    assert differences(found, expected) == {}
    published = [name for name in found if TABLES[name].schema == "mart" and TABLES[name].is_published]
    assert differences(contents(home.marts_database, published, AS_OF_OF_THE_LOAD), {name: found[name] for name in published}) == {}
    assert plan(load_settings(desk, home.root), AS_OF) == [Window(date(2025, 7, 10), date(2025, 7, 11))], "all is done: yesterday, as ever"


def test_retired_tables_are_gone_and_a_table_of_somebodys_own_is_not(upgraded: tuple[Path, str]) -> None:
    home = Home.of(upgraded[0] / ".opsla")
    held = {name for (name,) in rows(home.warehouse, "select schema_name || '.' || table_name from duckdb_tables()")}
    held |= {str(name) for (name,) in rows(home.warehouse, "select schema_name || '.' || view_name from duckdb_views() where not internal")}
    assert held - set(TABLES) == {"ops.schema_version", "ops.made_dates", "mart.my_own"}
    assert rows(home.warehouse, "select schema_version from ops.schema_version") == [(SCHEMA_VERSION,)]


def test_every_table_of_a_released_version_is_known_or_retired(older: Path) -> None:
    """A table that is renamed without a word would stay in every upgraded warehouse."""
    held = {name for (name,) in rows(Home.of(older / ".opsla").warehouse, "select schema_name || '.' || table_name from duckdb_tables()")}
    assert held - {"mart.my_own", "ops.schema_version"} <= {*TABLES, *RETIRED}
    assert not set(RETIRED) & set(TABLES)


def test_the_history_of_runs_stays(older: Path, upgraded: tuple[Path, str]) -> None:
    histories = []
    for desk in (older, upgraded[0]):
        with open_instance(desk / ".opsla") as instance:
            histories.append({run.run_id for run in instance.get_runs()})
    before, after = histories
    assert len(before) == 2
    assert before < after


@pytest.mark.parametrize("arguments", [["report"], ["status"], ["explain", "C-2"]], ids=" ".join)
def test_what_reads_works_after_the_upgrade(upgraded: tuple[Path, str], arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert opsla(arguments, upgraded[0], monkeypatch) == 0


@pytest.mark.parametrize(
    "arguments", [["run"], ["refresh"], ["report"], ["explain", "C-2"], ["export", "--format", "csv", "--table", "raw.cases"]], ids=" ".join
)
def test_a_newer_home_is_refused_by_name_and_left_alone(
    upgraded: tuple[Path, str], arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(upgraded[0].parent, tmp_path / "newer")
    home = Home.of(tmp_path / "newer" / "desk" / ".opsla")
    for path in (home.warehouse, home.marts_database):
        with duckdb.connect(str(path)) as connection:
            connection.execute("update ops.schema_version set schema_version = 99, opsla_version = '9.9.0'")
    before = home.warehouse.read_bytes()

    assert opsla(arguments, tmp_path / "newer" / "desk", monkeypatch) == 1
    complaint = capsys.readouterr().err
    assert "is of opsla 9.9.0 (schema version 99)" in complaint
    assert "Install opsla 9.9.0 or later" in complaint
    assert home.warehouse.read_bytes() == before


def test_a_newer_home_refuses_a_run_of_the_daemon(tmp_path: Path) -> None:
    path = tmp_path / "ops_warehouse.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("create schema ops; create table ops.schema_version as select 99 as schema_version, '9.9.0' as opsla_version")
    warehouse = Warehouse(database=str(path))
    for _ in range(2):  # every asset of the run is told the same
        with pytest.raises(OpslaError, match=r"9\.9\.0"):
            warehouse.connection()


def settings_of(desk: Path) -> Settings:
    return load_settings(desk, desk / ".opsla")


def test_a_run_of_chosen_dates_makes_the_other_loaded_ones_too(older: Path, upgraded: tuple[Path, str]) -> None:
    """Dates of two versions are never published together: `opsla run --start ... --end ...` would publish nothing."""
    chosen = Window(date(2025, 7, 5), date(2025, 7, 7))
    windows, note = with_loaded_dates(settings_of(older), chosen)
    assert windows == [Window(date(2025, 7, 1), date(2025, 7, 10))]
    assert "is upgraded to" in note
    assert with_loaded_dates(settings_of(upgraded[0]), chosen) == ([chosen], "")


def test_what_was_loaded_is_kept_by_an_upgrade_alone(older: Path, tmp_path: Path) -> None:
    """The sources may have forgotten it: until a date is made anew, its rows stay."""
    path = Path(shutil.copy(Home.of(older / ".opsla").warehouse, tmp_path))
    kept = ["raw.cases", "raw.events_log", "raw.source_partitions", "ops.refreshed_partitions"]
    before = {name: rows(path, f"select count(*) from {name}") for name in kept}
    with duckdb.connect(str(path)) as connection:
        assert upgrade(connection, path) is not None
        assert upgrade(connection, path) is None
    assert {name: rows(path, f"select count(*) from {name}") for name in kept} == before
    assert rows(path, "select case_id, priority, merged_into from raw.cases where case_id = 'C-1'") == [("C-1", "P1", None)]
    assert rows(path, "select source from ops.source_watermarks") == rows(Home.of(older / ".opsla").warehouse, "select source from ops.source_looks")


def test_an_upgrade_that_fails_leaves_everything_as_it_was(older: Path, tmp_path: Path) -> None:
    path = Path(shutil.copy(Home.of(older / ".opsla").warehouse, tmp_path))
    with duckdb.connect(str(path)) as connection:
        connection.execute("alter table raw.cases alter intake_date type varchar")
        connection.execute("update raw.cases set intake_date = 'some day' where case_id = 'C-9'")
        with pytest.raises(OpslaError, match="could not be upgraded from opsla 0"):
            upgrade(connection, path)
    assert rows(path, "select count(*) from staging.sla_runs") == rows(Home.of(older / ".opsla").warehouse, "select count(*) from staging.sla_runs")
    assert pending_upgrade(path) is not None


def test_a_fresh_warehouse_is_of_todays_version(tmp_path: Path) -> None:
    path = tmp_path / "ops_warehouse.duckdb"
    warehouse = Warehouse(database=str(path))
    warehouse.connection()
    warehouse.close()
    with reading(path) as connection:
        assert connection.execute("select schema_version from ops.schema_version").fetchall() == [(SCHEMA_VERSION,)]
    assert pending_upgrade(path) is None


def test_an_upgrade_keeps_what_was_predicted_and_shown(tmp_path: Path) -> None:
    """Nothing can make it anew. Its columns become the catalog's; what is derived beside it is removed, and made by the next run."""
    kept, derived = ("mart.risk_predictions", "ops.next_best_shown", "raw.cases"), "mart.open_case_risk"
    path = tmp_path / "ops_warehouse.duckdb"
    with duckdb.connect(str(path)) as connection:
        for schema in ("mart", "ops", "raw"):
            connection.execute(f"create schema {schema}")
        for name in (*kept, derived):
            columns = [f"{column.name} {column.type}" for column in TABLES[name].columns if column.name not in ("metric", "weight")]
            connection.execute(f"create table {name} ({', '.join(columns)}, forgotten integer)")
            connection.execute(f"insert into {name} (case_id, forgotten) values ('C-1', 1)")
        connection.execute(f"create table ops.schema_version as select {SCHEMA_VERSION - 1} as schema_version, '0.9.0' as opsla_version")
        needed = upgrade(connection, path)
        assert needed is not None
        assert set(needed.tables) == {*kept, derived}
        for name in kept:
            assert [column for (column, *_) in connection.execute(f"describe {name}").fetchall()] == [column.name for column in TABLES[name].columns]
            assert connection.execute(f"select case_id from {name}").fetchall() == [("C-1",)]
        assert derived not in {name for (name,) in connection.execute("select schema_name || '.' || table_name from duckdb_tables()").fetchall()}
