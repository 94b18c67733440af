"""What a check found.

Belongs here: the outcome every kind of check shares. Does not belong here: how any kind finds it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import dagster as dg

from opsla_dagster.printable import fenced
from opsla_dagster.window import Dates

#: Parts what a description has found from where to look; alerts have a line of their own for that.
LOOK_FIRST = " Look first at "
Figure = str | int | float | bool | None


@dataclass(frozen=True)
class Outcome:
    """The verdict of one check on one table in one run; `figures` are what it measured.

    `description` says in words what was found, what is allowed and, of a failure, where to look first.
    """

    check: str
    passed: bool
    severity: dg.AssetCheckSeverity
    figures: dict[str, Figure] = field(default_factory=dict)
    sample: str = ""
    description: str = ""

    @property
    def stops_the_run(self) -> bool:
        return not self.passed and self.severity is dg.AssetCheckSeverity.ERROR

    def to_dagster(self, asset_key: list[str]) -> dg.AssetCheckResult:
        sample = {"sample": dg.MetadataValue.md(fenced(self.sample))} if self.sample else {}
        return dg.AssetCheckResult(
            asset_key=dg.AssetKey(asset_key),
            check_name=self.check,
            passed=self.passed,
            severity=self.severity,
            description=self.description or None,
            metadata={**self.figures, **sample},
        )


def about(window: Dates | None) -> str:
    """Which rows a check looked at, for its description."""
    if window is None:
        return "all rows"
    return f"the rows of {window.start if window.days == 1 else window}"
