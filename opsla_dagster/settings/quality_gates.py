"""quality_gates.yml: how much mess a source may bring.

Belongs here: the typed document. Does not belong here: how a rate is measured (sql/checks/<table>/gates.sql).
"""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from opsla_dagster.settings.base import Document

#: No rate of quality is negative.
Rate = Annotated[float, Field(ge=0)]
#: Rows from which a rate is judged, where the document does not say another number.
MIN_SAMPLE = 30


class Bounds(Document):
    """Rates above (below) `warn` warn; above (below) `error` stop the run and leave the last good tables."""

    warn_above: Rate | None = None
    error_above: Rate | None = None
    warn_below: Rate | None = None
    error_below: Rate | None = None
    #: Instead of the document's.
    min_sample: Annotated[int, Field(ge=1)] | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.figures():
            raise ValueError("give at least one of warn_above, error_above, warn_below, error_below")
        return self

    def figures(self) -> dict[str, float]:
        """The bounds it names."""
        return self.model_dump(exclude_none=True, exclude={"min_sample"})

    def beyond(self, rate: float, level: str) -> float | None:
        """The bound of `level` (warn, error) that `rate` lies beyond; None where it keeps them."""
        low, high = getattr(self, f"{level}_below"), getattr(self, f"{level}_above")
        if low is not None and rate < low:
            return float(low)
        return float(high) if high is not None and rate > high else None


class QualityGatesSettings(Document):
    """Gates by table and rate; a rate of fewer than `min_sample` rows is not judged."""

    min_sample: Annotated[int, Field(ge=1)] = MIN_SAMPLE
    gates: dict[str, dict[str, Bounds]]
