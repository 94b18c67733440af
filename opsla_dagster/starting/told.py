"""What a person said of a log beforehand, what is still missing, and what is to be said of the choices.

Belongs here: the three, and one question. Does not belong here: what the questions are about.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Literal

from opsla_dagster.starting.asking import Asking
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
    time_format: str | None = None
    timezone: str | None = None
    start_date: date | None = None
    empty_cells: Literal["cleared", "unchanged"] | None = None
    #: Nobody is asked again for more columns.
    is_second_look: bool = False


@dataclass(frozen=True)
class Remarks:
    """What is said of the choice on the way. `missing` is what nobody could be asked for, each with its flag; `problems` are choices under which
    the figures would say nothing."""

    notes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def answered(
    question: str, proposal: str | None, flag: str, asking: Asking, remarks: Remarks, refuse: Callable[[str], str | None]
) -> str | None:
    """The answer, or the proposal; None where there is neither, which is remembered as missing."""
    if proposal is None and not asking.is_allowed:
        remarks.missing.append(f"{question}: say it with {flag}")
        return None
    return asking.value(question, proposal, flag, refuse)
