"""How a table is written down: columns by name, looked up in the dictionary.

Belongs here: the constructor the areas share. Does not belong here: any one table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from opsla_dagster.catalog.columns import COLUMNS
from opsla_dagster.catalog.model import Column, Kind, Rule, Table


@dataclass(frozen=True)
class MakeTable:
    """Writes a table of the catalog down; `key`, `columns` and `nullable` are names separated by spaces, looked up in `known`.

    `nullable` names the columns that may be NULL here beyond those the dictionary lets be NULL everywhere.
    """

    known: Mapping[str, Column]

    def __call__(
        self, name: str, kind: Kind, grain: str, description: str, *, key: str, columns: str, nullable: str = "",
        partition_column: str = "intake_date", rules: tuple[Rule, ...] = (), is_published: bool = True,
    ) -> Table:  # fmt: skip
        optional = set(nullable.split())
        return Table(
            name=name,
            kind=kind,
            grain=grain,
            description=description,
            key=tuple(key.split()),
            columns=tuple(
                replace(self.known[column], nullable=self.known[column].nullable or column in optional) for column in columns.split()
            ),
            partition_column=partition_column,
            rules=rules,
            is_published=is_published,
        )


def tables_with(own_columns: Sequence[Column]) -> MakeTable:
    """The constructor of an area's tables: their columns are those that areas share, and the area's own."""
    return MakeTable(COLUMNS | {column.name: column for column in own_columns})
