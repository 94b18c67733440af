"""Changes in percent that a what-if asks for, `heads=+10&arrivals=-5`: the same on every page that has one.

Belongs here: which changes there are, what an address may ask of them, and their words. Does not belong here: what a change does (forecasting/, staffing/).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from opsla_dagster.center.address import RefusedAddress

#: What can be changed, as parameters name it.
LEVERS = {"heads": "Heads", "arrivals": "Arrivals", "handling": "Touch time"}
#: What a slider reaches, and its steps.
LEAST, MOST, STEP = -50, 100, 5
_NUMBER = re.compile(r"[+-]?\d{1,4}([.,]\d{1,3})?", re.ASCII)


@dataclass(frozen=True)
class Changes:
    """By how many percent each is more (less, where negative) than it is; 0: as it is."""

    heads: float = 0.0
    arrivals: float = 0.0
    handling: float = 0.0

    @property
    def is_asked(self) -> bool:
        return self != Changes()

    @property
    def words(self) -> str:
        """`heads +10%, arrivals -5%`; `as now` where nothing is changed."""
        return ", ".join(f"{label.lower()} {value:+g}%" for label, value in zip(LEVERS.values(), (self.heads, self.arrivals, self.handling), strict=True) if value) or "as now"

    def levers(self, hints: Mapping[str, str]) -> list[tuple[str, str, str, float]]:
        """(name, label, hint, value) of each, for the form."""
        return [(name, label, hints.get(name, ""), getattr(self, name)) for name, label in LEVERS.items()]


NOTHING_CHANGED = Changes()


def parse_change(name: str, text: str, least: float, most: float) -> float:
    """The change that a parameter writes, `10`, `+10%`, `-5`; empty is none. Raises RefusedAddress for what is no number, or out of bounds."""
    written = text.strip().removesuffix("%").strip().replace("−", "-")
    if not written:
        return 0.0
    value = float(written.replace(",", ".")) if _NUMBER.fullmatch(written) else None
    if value is None or not least <= value <= most:
        raise RefusedAddress(f"{name}={text}: expected a change in percent from {least:g} to {most:g}, such as 10 or -5")
    return value
