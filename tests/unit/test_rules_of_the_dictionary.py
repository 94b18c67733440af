"""The schema check counts by the rules of the Pandera schema: both are derived from the catalog, and have the same ones by the same names."""

from __future__ import annotations

import duckdb
import pytest

from opsla_dagster.catalog import TABLES
from opsla_dagster.catalog.table import Column
from opsla_dagster.checks.contract import pandera_schema
from opsla_dagster.checks.schema import check_schema, violations
from opsla_dagster.warehouse.sql import literal


@pytest.mark.parametrize("table", TABLES)
def test_every_rule_of_the_pandera_schema_is_counted(table: str) -> None:
    schema = pandera_schema(TABLES[table])
    rules = [
        rule
        for name, column in schema.columns.items()
        for rule in ([] if column.nullable else [f"{name} not null"]) + [f"{name} {check.error}" for check in column.checks]
    ]
    assert [name for name, _ in violations(TABLES[table])] == [*rules, *(str(check.name) for check in schema.checks)]


def _a_value(column: Column) -> str:
    """A value that breaks no rule of the column, as SQL over the rows of range(n) as numbers(number)."""
    if column.values:
        return literal(column.values[0])
    if column.type == "VARCHAR":
        return "cast(number as varchar)"
    if column.type == "BOOLEAN":
        return "true"
    if column.type in ("DATE", "TIMESTAMP"):
        return f"cast({column.type.lower()} '2025-07-01' + interval (number) day as {column.type})"
    return str(column.at_least if column.at_least is not None else column.at_most if column.at_most is not None else "number")


@pytest.mark.parametrize("table", ["staging.events_clean", "mart.scenario_results"])
def test_a_row_that_breaks_a_rule_is_counted_among_many_in_the_transaction_that_wrote_it(table: str) -> None:
    """What DuckDB knows of groups of rows has to hold for rows that are not committed, and for the one wrong row behind thousands of sound ones."""
    with duckdb.connect() as connection:
        connection.execute(f"create schema {table.split('.')[0]}")
        columns = TABLES[table].columns
        connection.execute(f"create table {table} ({', '.join(f'{column.name} {column.type}' for column in columns)})")
        for column in columns:
            wrong = [f"{column.at_least} - 1"] if column.at_least is not None else []
            wrong += [f"{column.at_most} + 1"] if column.at_most is not None else []
            wrong += ["'no such value'"] if column.values else []
            wrong += [f"cast(null as {column.type})"] if not column.nullable else []
            for value in wrong:
                connection.begin()
                sound = {each.name: _a_value(each) for each in columns}
                connection.execute(f"insert into {table} select {', '.join(sound.values())} from range(5000) as numbers(number)")
                before = check_schema(connection, TABLES[table], None).figures
                connection.execute(f"insert into {table} select {', '.join({**sound, column.name: value}.values())} from range(5000, 5001) as numbers(number)")
                after = check_schema(connection, TABLES[table], None).figures
                connection.rollback()
                rose = {name for name in after if name.startswith(f"rows breaking {column.name} ") and after[name] != before.get(name)}
                assert rose, (column.name, value, before, after)
