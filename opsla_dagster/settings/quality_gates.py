"""quality_gates.yml: how much mess a source may bring.

Belongs here: the typed document. Does not belong here: how a rate is measured (sql/checks/<table>/gates.sql).
"""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from opsla_dagster.settings.base import Document

#: No rate of quality is negative.
Rate = Annotated[float, Field(ge=0)]


class Bounds(Document):
    """Rates above (below) `warn` warn; above (below) `error` stop the run and leave the last good tables."""

    warn_above: Rate | None = None
    error_above: Rate | None = None
    warn_below: Rate | None = None
    error_below: Rate | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.figures():
            raise ValueError("give at least one of warn_above, error_above, warn_below, error_below")
        return self

    def figures(self) -> dict[str, float]:
        return self.model_dump(exclude_none=True)

    def fails(self, rate: float) -> bool:
        return _outside(rate, self.error_below, self.error_above)

    def warns(self, rate: float) -> bool:
        return _outside(rate, self.warn_below, self.warn_above)


def _outside(rate: float, low: float | None, high: float | None) -> bool:
    return (low is not None and rate < low) or (high is not None and rate > high)


class QualityGatesSettings(Document):
    """Gates by table and rate."""

    gates: dict[str, dict[str, Bounds]]
