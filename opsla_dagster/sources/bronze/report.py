"""What a load did.

Belongs here: the figures of one load, for whoever called it. Does not belong here: Dagster.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime

from opsla_dagster.sources.bronze.shape import Difference


@dataclass
class ResourceLoad:
    """One resource of one load: records stored (each once a slice), seconds, and how far it has come (UTC, naive)."""

    rows: int = 0
    seconds: float = 0.0
    known_until: datetime | None = None
    #: Why there is nothing of it, where the account does not have it.
    left_out: str = ""


@dataclass(frozen=True)
class LoadStep:
    """Where a load stands within one resource: records fetched in this load, and the share (0-1) of its time that they reach over."""

    resource: str
    rows: int
    known_until: datetime | None
    share: float


#: Whoever watches the loads of this context; it is called after every answer of an API.
on_load_step: ContextVar[Callable[[LoadStep], None]] = ContextVar("on_load_step", default=lambda _: None)


@dataclass
class LoadReport:
    """One load of one account."""

    account: str
    is_first: bool = False
    resources: dict[str, ResourceLoad] = field(default_factory=dict)
    #: Differences seen for the first time: (resource, field, change, expected type, found type).
    new_drift: list[Difference] = field(default_factory=list)

    @property
    def drifted(self) -> list[Difference]:
        """New differences that mean a change, and words that nobody knows: of fields, what the first load finds is where the account begins."""
        return [difference for difference in self.new_drift if not self.is_first or difference[2] == "unknown"]
