"""scenarios.yml: what would help, as levers on stages and reopens.

Belongs here: the typed document and its rows for staging.scenario_levers. Does not belong here: what a lever does
(sql/mart/scenarios/scenario_results.sql).
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

import pyarrow as pa
from pydantic import Field, model_validator

from opsla_dagster.settings.base import Document

Rate = Annotated[float, Field(gt=0, le=1)]
Stage = Literal["triage_to_investigation", "investigation_to_review", "review_to_resolved"]


class ShortenStage(Document):
    """Every case that passes the stage spends `reduction_rate` less of its time there."""

    stage: Stage
    tier: str | None = None
    reduction_rate: Rate


class FewerReopens(Document):
    """`reduction_rate` of the reopened cases are not reopened; their rework is saved."""

    tier: str | None = None
    reduction_rate: Rate
    rework_measure: Literal["proxy", "measured"] = "proxy"


class Scenario(Document):
    """One or both levers."""

    description: str
    shorten_stage: ShortenStage | None = None
    fewer_reopens: FewerReopens | None = None

    @model_validator(mode="after")
    def _has_a_lever(self) -> Self:
        if self.shorten_stage is None and self.fewer_reopens is None:
            raise ValueError("a scenario needs a lever: shorten_stage, fewer_reopens or both")
        return self


class ScenariosSettings(Document):
    """Scenarios by name."""

    scenarios: dict[str, Scenario]


def scenario_levers(settings: ScenariosSettings) -> pa.Table:
    """The rows of staging.scenario_levers: one a scenario and lever."""
    rows = []
    for name, scenario in settings.scenarios.items():
        for lever in ("shorten_stage", "fewer_reopens"):
            chosen = getattr(scenario, lever)
            if chosen is not None:
                rows.append({"scenario": name, "lever": lever, "description": scenario.description, **chosen.model_dump()})
    schema = pa.schema([
        ("scenario", pa.string()), ("lever", pa.string()), ("tier", pa.string()), ("stage", pa.string()),
        ("reduction_rate", pa.float64()), ("rework_measure", pa.string()), ("description", pa.string()),
    ])
    return pa.Table.from_pylist(rows, schema=schema)
