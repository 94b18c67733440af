"""The schema check: a table's Pandera schema, judged by DuckDB in one scan.

Pandera is the contract. Its rules are compiled to one aggregate query, and only rows that break one travel to pandas, for
Pandera to name them. A view is computed once for all of them. Belongs here: that compilation. Does not belong here: the rules.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import dagster as dg
import duckdb

from opsla_dagster.catalog import Kind, Table
from opsla_dagster.checks.outcome import LOOK_FIRST, Figure, Outcome, about
from opsla_dagster.checks.scope import scope
from opsla_dagster.figures import counted
from opsla_dagster.window import Dates

if TYPE_CHECKING:
    import pandera.pandas as pa

SCHEMA_CHECK = "schema"
#: The figure of the outcome that says how many rows were looked at.
ROWS_CHECKED = "rows_checked"
_SAMPLE_ROWS = 20


def check_schema(connection: duckdb.DuckDBPyConnection, table: Table, window: Dates | None) -> Outcome:
    """Counts the rows of `table` in `window` that break its Pandera schema, by rule."""
    from opsla_dagster.checks.contract import (
        pandera_schema,  # fifty megabytes that only a run needs, not the code server
    )

    schema = pandera_schema(table)
    violations = dict(_violations(schema))
    rows, broken = _count_each(connection, table, window, violations)
    found = {name: count for name, count in broken.items() if count}
    figures: dict[str, Figure] = {"rules_checked": len(broken), "rules_broken": len(found), ROWS_CHECKED: rows}
    figures |= {f"rows breaking {name}": count for name, count in found.items()}
    return Outcome(
        SCHEMA_CHECK,
        passed=not found,
        severity=dg.AssetCheckSeverity.ERROR,
        figures=figures,
        sample=_named_by_pandera(connection, table, window, schema, [violations[n] for n in found if n in violations]),
        description=_description(len(broken), found, window),
    )


def _description(rules: int, found: dict[str, int], window: Dates | None) -> str:
    if not found:
        return f"All {rules} rules of the data dictionary hold in {about(window)}."
    rows = "; ".join(f"{name}: {counted(count, 'row')}" for name, count in found.items())
    return (
        f"{len(found)} of {counted(rules, 'rule')} of the data dictionary {'does' if len(found) == 1 else 'do'} not hold in {about(window)}: {rows}."
        f"{LOOK_FIRST}the sample, then at the query or the source's mapping that makes these columns."
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
        case "str_matches", {"pattern": pattern}:
            return f"regexp_matches({column}, '" + str(pattern).replace("'", "''") + "')"
        case "greater_than_or_equal_to", {"min_value": bound}:
            return f"{column} >= {bound}"
        case "less_than_or_equal_to", {"max_value": bound}:
            return f"{column} <= {bound}"
    raise NotImplementedError(f"{column}: Pandera check {check.name} has no SQL yet; add it beside the others")


def _count_each(
    connection: duckdb.DuckDBPyConnection, table: Table, window: Dates | None, violations: dict[str, str]
) -> tuple[int, dict[str, int]]:
    """How many rows there are, and how many break each rule; of the key, how many of its values are repeated."""
    key = ", ".join(table.key)
    # A table is scanned twice for next to nothing; a view would be computed twice, so its rows are kept for the second look.
    kept = "materialized" if table.kind is Kind.VIEW else "not materialized"
    columns = ", ".join(column.name for column in table.columns if column.name in table.key or any(column.name in rule for rule in violations.values()))
    counts = "".join(f", count(*) filter (where {condition})" for condition in violations.values())
    row = connection.execute(
        f"with looked_at as {kept} (select {columns} from {scope(table, window)}) "
        f"select count(*){counts}, (select count(*) from (select 1 from looked_at group by {key} having count(*) > 1)) from looked_at"
    ).fetchone()
    rows, *broken = row or (0,)
    return rows, dict(zip([*violations, f"unique ({key})"], broken, strict=True))


def _named_by_pandera(
    connection: duckdb.DuckDBPyConnection,
    table: Table,
    window: Dates | None,
    schema: pa.DataFrameSchema,
    conditions: list[str],
) -> str:
    from pandera.errors import SchemaErrors

    if not conditions:
        return ""
    wrong = " or ".join(f"({condition})" for condition in conditions)
    rows = connection.execute(f"select * from {scope(table, window)} and ({wrong}) limit {_SAMPLE_ROWS}").df()
    try:
        schema.validate(rows, lazy=True)
    except SchemaErrors as errors:
        return str(errors.failure_cases.to_string(index=False))
    return str(rows.to_string(index=False))
