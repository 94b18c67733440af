"""The schema check counts by the rules of the Pandera schema: both are derived from the catalog, and have the same ones by the same names."""

from __future__ import annotations

import pytest

from opsla_dagster.catalog import TABLES
from opsla_dagster.checks.contract import pandera_schema
from opsla_dagster.checks.schema import violations


@pytest.mark.parametrize("table", TABLES)
def test_every_rule_of_the_pandera_schema_is_counted(table: str) -> None:
    schema = pandera_schema(TABLES[table])
    rules = [
        rule
        for name, column in schema.columns.items()
        for rule in ([] if column.nullable else [f"{name} not null"]) + [f"{name} {check.error}" for check in column.checks]
    ]
    assert [name for name, _ in violations(TABLES[table])] == [*rules, *(str(check.name) for check in schema.checks)]
