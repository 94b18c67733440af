"""The words of the dictionary: a column, a rule between columns, a table.

Belongs here: the types. Does not belong here: any one table or column, and the Pandera schema a table turns into (checks/contract.py).
The UI's and the daemon's processes import it: nothing heavy may be imported here.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

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


class Kind(StrEnum):
    """How a table is kept."""

    PARTITIONED = "partitioned"  # daily, by `partition_column`; windows of it are replaced
    FULL_REFRESH = "full refresh"  # small, from the sources and the config, or over everything loaded; replaced whole by every run
    BY_DAY = "by day"  # over everything loaded, by `partition_column`, a local date of the desk; the dates that changed are replaced
    KEPT = "kept"  # what was told at the time, which nothing can make anew: rows are added, by `partition_column`, and an upgrade keeps them
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
        """Whether a run over some dates writes, or looks at, its rows of those dates alone: it is kept by dates, or a view with their column."""
        return self.kind in (Kind.PARTITIONED, Kind.BY_DAY, Kind.VIEW) and any(column.name == self.partition_column for column in self.columns)
