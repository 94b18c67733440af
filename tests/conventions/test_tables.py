"""One name everywhere: a table's catalog entry, SQL file, asset and checks agree with each other."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from house import CHECK_FILES, DASHBOARD_FILES, REPOSITORY, SQL, TABLE_FILES, named, table_of, upstream

from opsla_dagster.assets.graph import PYTHON_TABLES, TABLE_ASSETS
from opsla_dagster.calendars import BUSINESS_HOURS, BUSINESS_TIME, CALENDAR_DAYS
from opsla_dagster.catalog import AREAS, TABLES, Kind, Table
from opsla_dagster.checks.invariants import severity_of
from opsla_dagster.minute_spine import BUSINESS_MINUTES
from opsla_dagster.settings import load_settings
from opsla_dagster.settings.quality_gates import Bounds
from opsla_dagster.settings.sla_policies import SLA_METRIC_RULES, SLA_POLICIES, SLA_POLICY_SCOPES
from opsla_dagster.sources.base import (
    APPLIED_TARGETS,
    ATTRIBUTE_CHANGES,
    CASES,
    EVENTS,
    MESSAGES,
    REJECTED_ROWS,
    SOURCE_FACTS,
    SOURCE_VERDICTS,
    STAFFING,
)
from opsla_dagster.warehouse.connection import SCHEMAS
from opsla_dagster.warehouse.lineage import tables_read
from opsla_dagster.warehouse.sql import GATES, bind, check_path, load_sql, sql_path
from opsla_dagster.warehouse.write import ensure_table
from opsla_dagster.window import Window

WINDOW = Window(date(2025, 7, 1), date(2025, 7, 3))

sql_tables = pytest.mark.parametrize("name", [line.name for line in TABLE_ASSETS.values() if line.python is None])


@pytest.fixture(scope="module")
def empty_warehouse() -> Iterator[duckdb.DuckDBPyConnection]:
    """Every table of the catalog, views too, as an empty table."""
    connection = duckdb.connect()
    for schema in SCHEMAS:
        connection.execute(f"create schema {schema}")
    for table in TABLES.values():
        ensure_table(connection, table)
    yield connection
    connection.close()


@pytest.fixture(scope="module")
def gates() -> dict[str, dict[str, Bounds]]:
    return load_settings(REPOSITORY / "config").quality_gates.gates


def test_a_table_is_made_by_its_sql_file_or_in_python() -> None:
    made_by_sql = {table_of(path) for path in TABLE_FILES}
    assert made_by_sql | set(PYTHON_TABLES) == set(TABLES)
    assert not made_by_sql & set(PYTHON_TABLES)


def test_a_sql_file_lies_in_the_folder_of_its_layer_and_area() -> None:
    assert {named(path) for path in TABLE_FILES} == {named(sql_path(table_of(path))) for path in TABLE_FILES}


def test_sql_holds_nothing_else() -> None:
    known = {*TABLE_FILES, *CHECK_FILES, *DASHBOARD_FILES}
    strays = [named(path) for path in SQL.rglob("*") if path.is_file() and path not in known]
    assert not strays


def test_the_layers_are_the_schemas_of_the_warehouse() -> None:
    assert {table.schema for table in TABLES.values()} == set(SCHEMAS)


@sql_tables
def test_a_select_gives_the_columns_of_the_catalog(name: str, empty_warehouse: duckdb.DuckDBPyConnection) -> None:
    sql = load_sql(sql_path(name))
    found = empty_warehouse.execute(f"describe {sql}", bind(sql, WINDOW)).fetchall()
    assert [row[:2] for row in found] == [(column.name, column.type) for column in TABLES[name].columns]


@pytest.mark.parametrize(
    ("name", "schema"),
    [
        ("raw.cases", CASES), ("raw.events_log", EVENTS), ("raw.staffing_schedule", STAFFING),
        ("raw.messages", MESSAGES), ("raw.attribute_changes", ATTRIBUTE_CHANGES), ("raw.applied_targets", APPLIED_TARGETS),
        ("raw.source_verdicts", SOURCE_VERDICTS), ("raw.source_facts", SOURCE_FACTS), ("raw.rejected_rows", REJECTED_ROWS), ("raw.calendar_dim", CALENDAR_DAYS), ("staging.business_time", BUSINESS_TIME),
        ("staging.business_minutes_dim", BUSINESS_MINUTES), ("staging.sla_metric_rules", SLA_METRIC_RULES),
        ("staging.sla_policies", SLA_POLICIES), ("staging.sla_policy_scopes", SLA_POLICY_SCOPES), ("staging.business_hours_dim", BUSINESS_HOURS),
    ],
)
def test_rows_made_in_python_have_the_columns_of_the_catalog(
    name: str, schema: pa.Schema, empty_warehouse: duckdb.DuckDBPyConnection
) -> None:
    arrow_rows = schema.empty_table()
    described = empty_warehouse.execute("describe select * from arrow_rows").fetchall()
    assert arrow_rows.num_rows == 0
    assert [row[:2] for row in described] == [(column.name, column.type) for column in TABLES[name].columns]


def test_checks_find_nothing_in_an_empty_warehouse(empty_warehouse: duckdb.DuckDBPyConnection) -> None:
    for path in CHECK_FILES:
        sql = load_sql(path)
        found = empty_warehouse.execute(sql, bind(sql, WINDOW, datetime(2025, 7, 8))).fetchall()
        assert len(found) == (1 if path.stem == "gates" else 0), named(path)


@pytest.mark.parametrize("path", DASHBOARD_FILES, ids=lambda path: path.stem)
def test_dashboards_read_what_is_published(path: Path, empty_warehouse: duckdb.DuckDBPyConnection) -> None:
    sql = load_sql(path)
    assert {name for name in tables_read(sql) if not TABLES[name].is_published or TABLES[name].schema != "mart"} == set()
    empty_warehouse.execute(sql)


def test_areas_form_no_circle_and_stand_in_their_order() -> None:
    position = {area.name: number for number, area in enumerate(AREAS)}
    backwards = {
        f"{line.name} ({line.area.name}) reads {dep} ({TABLE_ASSETS[dep].area.name})"
        for line in TABLE_ASSETS.values()
        for dep in line.deps
        if position[TABLE_ASSETS[dep].area.name] > position[line.area.name]
    }
    assert not backwards


def test_what_every_desk_has_reads_no_area_that_may_be_left_out() -> None:
    """`ops.refreshed_partitions` waits for every table there is; nothing else may read a table that is not there, empty or not."""
    missing = {
        f"{line.name} reads {dep}"
        for line in TABLE_ASSETS.values()
        for dep in line.deps
        if TABLE_ASSETS[dep].area.fed_by and dep not in TABLE_ASSETS[dep].area.stand_empty and line.area is not TABLE_ASSETS[dep].area and line.name != "ops.refreshed_partitions"
    }
    assert not missing


def test_areas_are_named_by_tables_and_columns_that_exist() -> None:
    for area in AREAS:
        for fed_by in area.fed_by:
            table = TABLES[".".join(fed_by.split(".")[:2])]
            assert fed_by == table.name or fed_by.split(".")[2] in {column.name for column in table.columns}


def test_checks_read_only_what_is_made_before_their_table() -> None:
    for path in CHECK_FILES:
        table = table_of(path)
        late = tables_read(load_sql(path)) - {table} - upstream(table)
        assert not late, f"{', '.join(late)} may be made after {table}: a check cannot wait for it: the asset graph would go in a circle"


def test_every_check_file_is_of_a_table_and_every_rate_is_bounded(gates: dict[str, dict[str, Bounds]]) -> None:
    assert {table_of(path) for path in CHECK_FILES} <= set(TABLES)
    assert {table_of(path) for path in CHECK_FILES if path.stem == GATES} == set(gates)


def test_a_check_is_named_by_what_it_does() -> None:
    for line in TABLE_ASSETS.values():
        for check in line.checks:
            assert check.startswith(("assert_", "warn_", "drift_")), f"{line.name}: {check}"
            assert severity_of(check).value == ("ERROR" if check.startswith("assert_") else "WARN")


def test_every_rate_that_is_measured_is_bounded(
    gates: dict[str, dict[str, Bounds]], empty_warehouse: duckdb.DuckDBPyConnection
) -> None:
    for table, bounds in gates.items():
        sql = load_sql(check_path(table, "gates"))
        measured = [row[0] for row in empty_warehouse.execute(f"describe {sql}", bind(sql, WINDOW)).fetchall()]
        rates = [name for name in measured if not name.endswith("_sample")]
        assert sorted(rates) == sorted(bounds)
        assert {name.removesuffix("_sample") for name in measured} == set(rates), "a sample without its rate"


@pytest.mark.parametrize("table", TABLES.values(), ids=lambda table: table.name)
def test_the_entry_is_complete(table: Table) -> None:
    columns = {column.name for column in table.columns}
    assert len(columns) == len(table.columns)
    assert table.grain.startswith("One row")
    assert table.grain.endswith(".")
    assert table.description.endswith(".")
    assert set(table.key) <= columns
    assert table.key
    assert table.kind is not Kind.PARTITIONED or table.partition_column in columns
    assert {side for rule in table.rules for side in (rule.left, rule.right)} <= columns


def test_a_refresh_is_complete_only_when_every_partitioned_table_is() -> None:
    partitioned = {name for name, table in TABLES.items() if table.kind is Kind.PARTITIONED} - {"ops.refreshed_partitions"}
    assert partitioned <= upstream("ops.refreshed_partitions")
