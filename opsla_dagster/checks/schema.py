"""The schema check: the dictionary's rules for a table, judged by DuckDB.

A table's entry in the catalog is compiled to SQL conditions, as it is to a Pandera schema (contract.py); a test holds that both have the same
rules. First is asked whether any row breaks any of them, which costs next to nothing, and only then which. Only rows that break one travel to
pandas, for Pandera to name them, so that a run in which all is well imports neither. Belongs here: that compilation. Does not belong here: the rules.
"""

from __future__ import annotations

from collections.abc import Iterator

import dagster as dg
import duckdb

from opsla_dagster.catalog import Kind, Table
from opsla_dagster.checks.outcome import LOOK_FIRST, Figure, Outcome, about
from opsla_dagster.checks.scope import scope
from opsla_dagster.figures import counted
from opsla_dagster.warehouse.sql import literal
from opsla_dagster.window import Dates

SCHEMA_CHECK = "schema"
#: The figure of the outcome that says how many rows were looked at.
ROWS_CHECKED = "rows_checked"
_SAMPLE_ROWS = 20


def check_schema(connection: duckdb.DuckDBPyConnection, table: Table, window: Dates | None) -> Outcome:
    """Counts the rows of `table` in `window` that break a rule of the dictionary, by rule."""
    rules = dict(violations(table))
    rows, broken = _count_each(connection, table, window, rules)
    found = {name: count for name, count in broken.items() if count}
    figures: dict[str, Figure] = {"rules_checked": len(broken), "rules_broken": len(found), ROWS_CHECKED: rows}
    figures |= {f"rows breaking {name}": count for name, count in found.items()}
    return Outcome(
        SCHEMA_CHECK,
        passed=not found,
        severity=dg.AssetCheckSeverity.ERROR,
        figures=figures,
        sample=_named_by_pandera(connection, table, window, found, rules),
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


def violations(table: Table) -> Iterator[tuple[str, str]]:
    """Each rule of the dictionary for `table`, but for its key, as Pandera names it, and the SQL condition of the rows that break it."""
    for column in table.columns:
        name = column.name
        if not column.nullable:
            yield f"{name} not null", f"{name} is null"
        if column.values:
            listed = ", ".join(literal(value) for value in column.values)
            yield f"{name} isin({list(column.values)})", f"not ({name} in ({listed}))"
        if column.pattern:
            pattern = f"^({column.pattern})$"
            yield f"{name} str_matches('{pattern}')", f"not (regexp_matches({name}, {literal(pattern)}))"
        if column.at_least is not None:
            yield f"{name} greater_than_or_equal_to({column.at_least})", f"not ({name} >= {column.at_least})"
        if column.at_most is not None:
            yield f"{name} less_than_or_equal_to({column.at_most})", f"not ({name} <= {column.at_most})"
    for rule in table.rules:
        yield rule.name, f"not ({rule.left} {rule.comparison} {rule.right})"


def _count_each(
    connection: duckdb.DuckDBPyConnection, table: Table, window: Dates | None, rules: dict[str, str]
) -> tuple[int, dict[str, int]]:
    """How many rows there are, and how many break each rule; of the key, how many of its values are repeated."""
    looked_at, key = scope(table, window), ", ".join(table.key)
    rows, hashes, breaking = _overall(connection, table, looked_at, " or ".join(f"({condition})" for condition in rules.values()))
    broken = [0] * len(rules)
    if breaking:
        counts = ", ".join(f"count(*) filter (where {condition})" for condition in rules.values())
        broken = list(connection.execute(f"select {counts} from {looked_at}").fetchone() or broken)
    # Where every row has a hash of its own, no key is repeated. Else the keys themselves are counted, which takes half as long again.
    repeated = 0
    if hashes < rows:
        counted = connection.execute(f"select count(*) from (select 1 from {looked_at} group by {key} having count(*) > 1)").fetchone()
        repeated = counted[0] if counted else 0
    return rows, dict(zip([*rules, f"unique ({key})"], [*broken, repeated], strict=True))


def _overall(connection: duckdb.DuckDBPyConnection, table: Table, looked_at: str, wrong: str) -> tuple[int, int, int]:
    """How many rows there are, how many hashes their keys have, and how many rows break any rule (the condition `wrong`, which may be empty)."""
    wrong, keys = wrong or "false", f"count(distinct hash({', '.join(table.key)}))"
    if table.kind is Kind.VIEW:  # computed once for all three
        found = connection.execute(f"select count(*), {keys}, count(*) filter (where {wrong}) from {looked_at}").fetchone()
        return found or (0, 0, 0)
    # As a filter the rules are judged by what DuckDB knows of whole groups of rows, such as the least value and whether one is NULL.
    rows, hashes = connection.execute(f"select count(*), {keys} from {looked_at}").fetchone() or (0, 0)
    breaking = connection.execute(f"select count(*) from {looked_at} and ({wrong})").fetchone() if rows else None
    return rows, hashes, breaking[0] if breaking else 0


def _named_by_pandera(
    connection: duckdb.DuckDBPyConnection, table: Table, window: Dates | None, found: dict[str, int], rules: dict[str, str]
) -> str:  # fmt: skip
    """Rows that break the rules `found`, as Pandera names them; none of a key that is repeated."""
    wrong = " or ".join(f"({rules[name]})" for name in found if name in rules)
    if not wrong:
        return ""
    from pandera.errors import SchemaErrors

    from opsla_dagster.checks.contract import pandera_schema

    rows = connection.execute(f"select * from {scope(table, window)} and ({wrong}) limit {_SAMPLE_ROWS}").df()
    try:
        pandera_schema(table).validate(rows, lazy=True)
    except SchemaErrors as errors:
        return str(errors.failure_cases.to_string(index=False))
    return str(rows.to_string(index=False))
