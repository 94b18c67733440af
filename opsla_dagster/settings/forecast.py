"""config/forecast.yml: which further models may forecast arrivals, to what backlogs are to come down, and what is asked of changes.

Belongs here: the shape of the document. Does not belong here: any forecast (forecasting/).
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from opsla_dagster.settings.base import Document, read_document

Percent = Annotated[float, Field(gt=-100, le=900)]
Cases = Annotated[int, Field(ge=0)]


class WhatIf(Document):
    """A change, in percent of what is: more heads, more arrivals, longer handling; negative: less."""

    heads_pct: Percent = 0
    arrivals_pct: Percent = 0
    handling_time_pct: Percent = 0

    @model_validator(mode="after")
    def _changes_something(self) -> Self:
        if not (self.heads_pct or self.arrivals_pct or self.handling_time_pct):
            raise ValueError("a what-if needs a change: heads_pct, arrivals_pct or handling_time_pct")
        return self


class Targets(Document):
    """Open cases to come down to: of the desk as a whole, and of queues by name."""

    all: Cases | None = None
    queues: dict[str, Cases] = {}


class ForecastSettings(Document):
    """What of the forecast is the operator's."""

    statsforecast: tuple[Literal["AutoETS", "MSTL"], ...] = ()
    targets: Targets = Targets()
    what_ifs: dict[Annotated[str, Field(min_length=1, max_length=80)], WhatIf] = {}

    @model_validator(mode="after")
    def _names_are_free(self) -> Self:
        if "as now" in self.what_ifs:
            raise ValueError("what_ifs: 'as now' is the name of no change at all; call it something else")
        return self


def read_forecast(path: Path) -> ForecastSettings:
    """The document at `path`; without the file, the defaults. Raises OpslaError as `read_document` does."""
    return read_document(path, ForecastSettings) if path.exists() else ForecastSettings()
