"""What is said of a proposal on the way to it.

Belongs here: notes, warnings, and what is missing. Does not belong here: what they are about.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from opsla_dagster.starting.asking import Asking


@dataclass(frozen=True)
class Remarks:
    """What is said of the choice on the way; `missing` is what nobody could be asked for, each with its flag."""

    notes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


def answer_to(
    question: str, proposal: str | None, flag: str, asking: Asking, remarks: Remarks, refuse: Callable[[str], str | None]
) -> str | None:
    """The answer, or the proposal; None where there is neither, which is remembered as missing."""
    if proposal is None and not asking.is_allowed:
        remarks.missing.append(f"{question}: say it with {flag}")
        return None
    return asking.value(question, proposal, flag, refuse)
