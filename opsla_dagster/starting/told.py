"""What a person said of a log beforehand.

Belongs here: that, and nothing else. Does not belong here: what is said in answer (`remarks`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from opsla_dagster.status import Signal

#: What a word of the log means: a signal, or that its records are left out on purpose.
Meaning = Signal | Literal["IGNORE"]


@dataclass(frozen=True)
class Told:
    """What a person said beforehand; None and empty: propose it.

    `columns` are FIELD=COLUMN, where a field may be a signal too: the stamp column of a milestone, in a file with one row a case.
    """

    columns: Mapping[str, str] = field(default_factory=dict)
    statuses: Mapping[str, Meaning] = field(default_factory=dict)
    #: Of an audit log: its word for a field -> what of a case it is, or IGNORE.
    fields: Mapping[str, str] = field(default_factory=dict)
    time_format: str | None = None
    timezone: str | None = None
    start_date: date | None = None
    empty_cells: Literal["cleared", "unchanged"] | None = None
    #: Nobody is asked again for more columns.
    is_second_look: bool = False
