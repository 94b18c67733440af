"""The words of the dictionary: a column, a rule between columns, a table.

Belongs here: the types, and the Pandera schema they turn into. Does not belong here: any one table or column.
"""

from __future__ import annotations

import operator
from dataclasses import dataclass
from enum import StrEnum

import pandas as pd
import pandera.pandas as pa

Bound = int | float


@dataclass(frozen=True)
class Column:
    """One column of the dictionary: the same name has the same meaning, type and unit in every table."""

    name: str
    type: str
    description: str
    nullable: bool = False
    values: tuple[str, ...] = ()
    #: A regular expression that every value matches as a whole, where the values cannot be listed.
    pattern: str = ""
    at_least: Bound | None = None
    at_most: Bound | None = None


@dataclass(frozen=True)
class Rule:
    """Within a row, `left` compared with `right` must hold wherever both are known."""

    left: str
    comparison: str
    right: str

    @property
    def name(self) -> str:
        return f"{self.left} {self.comparison} {self.right}"


COMPARISONS = {"<=": operator.le, "<": operator.lt, "=": operator.eq}


class Kind(StrEnum):
    """How a table is kept."""

    PARTITIONED = "partitioned"  # daily, by `partition_column`; windows of it are replaced
    SNAPSHOT = "snapshot"  # small, from the sources and the config; replaced whole by every run
    FULL_REFRESH = "full refresh"  # over everything loaded; replaced whole by every run
    VIEW = "view"  # over everything loaded; computed when read


@dataclass(frozen=True)
class Table:
    """One table: its grain in words, its key, its columns, and the rules its rows keep."""

    name: str
    kind: Kind
    grain: str
    description: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    partition_column: str = "intake_date"
    rules: tuple[Rule, ...] = ()
    #: Whether a mart is part of the published copy; one as long as the desk's history is not.
    is_published: bool = True

    @property
    def schema(self) -> str:
        return self.name.split(".")[0]

    @property
    def asset_key(self) -> list[str]:
        return self.name.split(".")

    @property
    def is_by_date(self) -> bool:
        """Whether a run over some dates writes, or looks at, its rows of those dates alone: it is partitioned, or a view with their column."""
        return self.kind in (Kind.PARTITIONED, Kind.VIEW) and any(column.name == self.partition_column for column in self.columns)


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
        result: pd.Series[bool] = COMPARISONS[rule.comparison](left, right) | left.isna() | right.isna()
        return result

    return pa.Check(holds, name=rule.name, error=rule.name, statistics=vars(rule))
