"""The Pandera schema of a table, from its entry in the catalog.

Belongs here: that translation. Does not belong here: the entries (catalog/), and judging rows by it (schema.py).
"""

from __future__ import annotations

import operator

import pandas as pd
import pandera.pandas as pa

from opsla_dagster.catalog import Column, Rule, Table

_COMPARISONS = {"<=": operator.le, "<": operator.lt, "=": operator.eq}
#: pandas types in which Pandera reads a column; coerced, so that a few offending rows can be named.
_PANDAS_TYPES = {
    "VARCHAR": "string", "BIGINT": "Int64", "INTEGER": "Int64", "DOUBLE": "Float64", "BOOLEAN": "boolean",
    "TIMESTAMP": "datetime64[us]", "DATE": "object",
}


def pandera_schema(table: Table) -> pa.DataFrameSchema:
    """The contract of `table`: exactly these columns in this order, their nulls, values and bounds, the key, the rules."""
    return pa.DataFrameSchema(
        {column.name: _pandera_column(column) for column in table.columns},
        checks=[_pandera_rule(rule) for rule in table.rules],
        unique=list(table.key),
        strict=True,
        ordered=True,
        coerce=True,
        name=table.name,
        description=table.description,
    )


def _pandera_column(column: Column) -> pa.Column:
    checks = []
    if column.values:
        checks.append(pa.Check.isin(list(column.values)))
    if column.pattern:
        checks.append(pa.Check.str_matches(f"^({column.pattern})$"))
    if column.at_least is not None:
        checks.append(pa.Check.ge(column.at_least))
    if column.at_most is not None:
        checks.append(pa.Check.le(column.at_most))
    return pa.Column(
        _PANDAS_TYPES[column.type], checks=checks, nullable=column.nullable, description=column.description
    )


def _pandera_rule(rule: Rule) -> pa.Check:
    def holds(frame: pd.DataFrame) -> pd.Series[bool]:
        left, right = frame[rule.left], frame[rule.right]
        result: pd.Series[bool] = _COMPARISONS[rule.comparison](left, right) | left.isna() | right.isna()
        return result

    return pa.Check(holds, name=rule.name, error=rule.name, statistics=vars(rule))
