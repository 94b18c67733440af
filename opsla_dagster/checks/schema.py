"""The schema check: a table's Pandera schema, judged by DuckDB in one scan.

Pandera is the contract. Its rules are compiled to one aggregate query, and only rows that break one travel to pandas, for
Pandera to name them. Belongs here: that compilation. Does not belong here: the rules.
"""

from __future__ import annotations

from collections.abc import Iterator

import dagster as dg
import duckdb
import pandera.pandas as pa
from pandera.errors import SchemaErrors

from opsla_dagster.catalog import Table, pandera_schema
from opsla_dagster.checks.outcome import Figure, Outcome
from opsla_dagster.checks.scope import scope
from opsla_dagster.window import Dates

SCHEMA_CHECK = "schema"
_SAMPLE_ROWS = 20


def check_schema(connection: duckdb.DuckDBPyConnection, table: Table, window: Dates | None) -> Outcome:
    """Counts the rows of `table` in `window` that break its Pandera schema, by rule."""
    schema = pandera_schema(table)
    violations = dict(_violations(schema))
    broken = _count_each(connection, table, window, violations)
    broken |= _repeated_keys(connection, table, window)
    found = {name: rows for name, rows in broken.items() if rows}
    figures: dict[str, Figure] = {"rules_checked": len(broken), "rules_broken": len(found)}
    figures |= {f"rows breaking {name}": rows for name, rows in found.items()}
    return Outcome(
        SCHEMA_CHECK,
        passed=not found,
        severity=dg.AssetCheckSeverity.ERROR,
        figures=figures,
        sample=_named_by_pandera(connection, table, window, schema, [violations[n] for n in found if n in violations]),
    )


def _violations(schema: pa.DataFrameSchema) -> Iterator[tuple[str, str]]:
    """Each rule of the schema as its name and the SQL condition of the rows that break it."""
    for name, column in schema.columns.items():
        if not column.nullable:
            yield f"{name} not null", f"{name} is null"
        for check in column.checks:
            yield f"{name} {check.error}", f"not ({_column_rule(name, check)})"
    for check in schema.checks:
        rule = check.statistics
        yield check.name, f"not ({rule['left']} {rule['comparison']} {rule['right']})"


def _column_rule(column: str, check: pa.Check) -> str:
    match check.name, check.statistics:
        case "isin", {"allowed_values": values}:
            listed = ", ".join("'" + str(value).replace("'", "''") + "'" for value in values)
            return f"{column} in ({listed})"
        case "greater_than_or_equal_to", {"min_value": bound}:
            return f"{column} >= {bound}"
        case "less_than_or_equal_to", {"max_value": bound}:
            return f"{column} <= {bound}"
    raise NotImplementedError(f"{column}: Pandera check {check.name} has no SQL yet; add it beside the others")


def _count_each(
    connection: duckdb.DuckDBPyConnection, table: Table, window: Dates | None, violations: dict[str, str]
) -> dict[str, int]:
    if not violations:
        return {}
    counts = ", ".join(f"count(*) filter (where {condition})" for condition in violations.values())
    row = connection.execute(f"select {counts} from {scope(table, window)}").fetchone()
    return dict(zip(violations, row or (), strict=True))


def _repeated_keys(connection: duckdb.DuckDBPyConnection, table: Table, window: Dates | None) -> dict[str, int]:
    key = ", ".join(table.key)
    row = connection.execute(
        f"select count(*) from (select 1 from {scope(table, window)} group by {key} having count(*) > 1)"
    ).fetchone()
    return {f"unique ({key})": row[0] if row else 0}


def _named_by_pandera(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    window: Dates | None,
    schema: pa.DataFrameSchema,
    conditions: list[str],
) -> str:
    if not conditions:
        return ""
    wrong = " or ".join(f"({condition})" for condition in conditions)
    rows = connection.execute(f"select * from {scope(table, window)} and ({wrong}) limit {_SAMPLE_ROWS}").df()
    try:
        schema.validate(rows, lazy=True)
    except SchemaErrors as errors:
        return str(errors.failure_cases.to_string(index=False))
    return str(rows.to_string(index=False))
