"""An area: tables of one subject, under one word.

The word is the group in Dagster, the folder under sql/<layer>/, the module of the catalog and, where rows are made in Python, of the
assets, and the section of the dictionary. Belongs here: what an area is. Does not belong here: any one of them.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from opsla_dagster.catalog.model import Table


@dataclass(frozen=True)
class Area:
    """One area: its word, what it is about, its tables in the order of the dictionary.

    `fed_by` names the raw tables without whose rows it has nothing to say; it is left out where no enabled source fills any of them. Those of its
    stored tables that `stand_empty` are there all the same, without rows and without being made: others may read them, and a reader sees that there is nothing.
    """

    name: str
    description: str
    tables: Sequence[Table]
    fed_by: Sequence[str] = ()
    stand_empty: Sequence[str] = ()

    def is_fed(self, filled: Collection[str]) -> bool:
        """Whether a source that fills the raw tables `filled` gives the area something to say."""
        return not self.fed_by or any(table in filled for table in self.fed_by)
