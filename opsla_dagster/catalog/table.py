"""How a table is written down: columns by name, looked up in the dictionary.

Belongs here: the constructor the areas share. Does not belong here: any one table.
"""

from __future__ import annotations

from dataclasses import replace

from opsla_dagster.catalog.columns import COLUMNS
from opsla_dagster.catalog.model import Kind, Rule, Table


def table(
    name: str,
    kind: Kind,
    grain: str,
    description: str,
    *,
    key: str,
    columns: str,
    nullable: str = "",
    partition_column: str = "intake_date",
    rules: tuple[Rule, ...] = (),
    is_published: bool = True,
) -> Table:
    """A table of the catalog; `key`, `columns` and `nullable` are names separated by spaces.

    `nullable` names the columns that may be NULL here beyond those the dictionary lets be NULL everywhere.
    """
    optional = set(nullable.split())
    return Table(
        name=name,
        kind=kind,
        grain=grain,
        description=description,
        key=tuple(key.split()),
        columns=tuple(
            replace(COLUMNS[column], nullable=COLUMNS[column].nullable or column in optional) for column in columns.split()
        ),
        partition_column=partition_column,
        rules=rules,
        is_published=is_published,
    )
