"""scenarios.yml: what would help, as levers on stages, reopens, detours and queues.

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


class RouteRightFirst(Document):
    """Cases that one team gave to another and got straight back lose that detour; of one pair of teams, or of all."""

    from_team: str | None = None
    to_team: str | None = None
    tier: str | None = None
    #: Share of the detours' time that is saved; 1: all of it.
    reduction_rate: Rate = 1.0


class ShortenQueue(Document):
    """Cases wait `reduction_rate` less in the queue of a team, or of every team, before anybody begins."""

    team: str | None = None
    tier: str | None = None
    reduction_rate: Rate


#: The levers in the order in which staging.scenario_levers lists them.
LEVERS = ("shorten_stage", "fewer_reopens", "route_right_first", "shorten_queue")


class Scenario(Document):
    """One or several levers."""

    description: str
    shorten_stage: ShortenStage | None = None
    fewer_reopens: FewerReopens | None = None
    route_right_first: RouteRightFirst | None = None
    shorten_queue: ShortenQueue | None = None

    @model_validator(mode="after")
    def _has_a_lever(self) -> Self:
        if all(getattr(self, lever) is None for lever in LEVERS):
            raise ValueError(f"a scenario needs a lever: one or more of {', '.join(LEVERS)}")
        if self.route_right_first is not None and self.shorten_queue is not None:
            raise ValueError("route_right_first and shorten_queue would take the time in the queue of a detour twice; write a scenario for each")
        if self.shorten_stage is not None and (self.route_right_first is not None or self.shorten_queue is not None):
            raise ValueError("shorten_stage beside route_right_first or shorten_queue would take the same time twice; write a scenario for each")
        return self


class ScenariosSettings(Document):
    """Scenarios by name."""

    scenarios: dict[str, Scenario]


def scenario_levers(settings: ScenariosSettings) -> pa.Table:
    """The rows of staging.scenario_levers: one a scenario and lever."""
    rows = []
    for name, scenario in settings.scenarios.items():
        for lever in LEVERS:
            chosen = getattr(scenario, lever)
            if chosen is not None:
                rows.append({"scenario": name, "lever": lever, "description": scenario.description, **chosen.model_dump()})
    schema = pa.schema([
        ("scenario", pa.string()), ("lever", pa.string()), ("tier", pa.string()), ("stage", pa.string()),
        ("reduction_rate", pa.float64()), ("rework_measure", pa.string()), ("team", pa.string()),
        ("from_team", pa.string()), ("to_team", pa.string()), ("description", pa.string()),
    ])
    return pa.Table.from_pylist(rows, schema=schema)
