"""Stage bottleneck: business time of each stage by tier.

Belongs here: this one section. Does not belong here: what it looks like (templates/stages.html.j2).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import duckdb

from opsla_dagster.reporting import wording
from opsla_dagster.reporting.marts import Row, rows
from opsla_dagster.reporting.run_summary import Headline
from opsla_dagster.reporting.sections.common import NEEDS_SLAS, PERCENTILES, Axis, Section, order

_LIFT = "Breach rate of the ninth of ten groups by congestion exposure less that of the fifth"
#: The stages in the order of a case's way.
STAGES = ("triage_to_investigation", "investigation_to_review", "review_to_resolved")


def stages(connection: duckdb.DuckDBPyConnection, headline: Headline) -> Section:
    """Business time of each stage by tier, the bottlenecks marked."""
    section = partial(
        Section, key="stages", title="Stage bottleneck", tables=("mart.driver_stage_durations", "mart.driver_summary")
    )
    if not headline.slas:
        return section(finding=NEEDS_SLAS)
    found = rows(
        connection,
        "select * from mart.driver_stage_durations where cases > 0 and p95_business_minutes is not null",
        "mart.driver_stage_durations",
    )
    if not found:
        return section(
            finding="No case has passed triage, investigation, review and resolution, so stages cannot be timed."
        )
    axis = Axis.up_to(max(row["p95_business_minutes"] for row in found))
    tiers = sorted({row["tier"] for row in found}, key=order)
    is_tiered = any(wording.is_named(tier) for tier in tiers)
    found.sort(key=_way)
    return section(
        finding=_finding(found),
        how_to_read=(
            "Each bar runs from the p50 (ring) over the p90 (tick) to the p95 (dot): half, nine in ten and nineteen in "
            "twenty cases were through the stage by then. The tier’s bottleneck is coloured."
        ),
        definition=(
            "Business minutes between the first instants of two statuses, over the cases that passed triage, "
            "investigation, review/QA and resolution. Bottleneck = the tier’s stage with the largest p95."
        ),
        data={
            "axis": axis,
            "tiers": [
                (wording.tier(tier) if is_tiered else "", [_row(row, axis) for row in found if row["tier"] == tier])
                for tier in tiers
            ],
            "statements": _statements(connection, headline.sla_names()),
        },
    )


def _way(row: Row) -> tuple[int, str]:
    return STAGES.index(row["stage"]) if row["stage"] in STAGES else len(STAGES), row["stage"]


def _row(row: Row, axis: Axis) -> Mapping[str, Any]:
    figures = [row[f"{p}_business_minutes"] for p in PERCENTILES]
    return {
        "stage": wording.stage(row["stage"]),
        "marks": [axis.place(figure) for figure in figures],
        "figures": [wording.minutes(figure) for figure in figures],
        "cases": wording.count(row["cases"]),
        "is_bottleneck": bool(row["is_tier_bottleneck"]),
    }


def _finding(found: Sequence[Row]) -> str:
    worst = max(found, key=lambda row: row["p95_business_minutes"])
    longest = worst["p95_business_minutes"]
    whose = f"{wording.tier(worst['tier'])}’s" if wording.is_named(worst["tier"]) else "The"
    text = (
        f"{whose} longest stage is {wording.stage(worst['stage'])}: one case in twenty takes more than "
        f"{wording.business_time(longest)}"
    )
    others = [row for row in found if row["tier"] == worst["tier"] and row is not worst and row["p95_business_minutes"]]
    if others:
        second = max(others, key=lambda row: row["p95_business_minutes"])
        times = longest / second["p95_business_minutes"]
        text += f", {times:.1f} times the p95 of the next, {wording.stage(second['stage'])}"
    return wording.sentence(text) + "."


def _statements(connection: duckdb.DuckDBPyConnection, names: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """The drivers: (statement, figure, unit)."""
    found = rows(
        connection,
        "select * from mart.driver_summary where statement is not null and figure is not null order by finding, statement",
        "mart.driver_summary",
    )
    return [(_statement(row, names), wording.decimal(row["figure"]).replace("-", "−"), row["unit"]) for row in found]


def _statement(row: Row, names: Mapping[str, str]) -> str:
    """A driver in the report's words; one that it does not know as the mart states it."""
    if row["finding"] == "primary_bottleneck":
        tier = f"{wording.tier(row['tier'])}, " if wording.is_named(row["tier"]) else ""
        return f"Longest stage of all: {tier}{wording.stage(row['stage'])} (p95)"
    words = {
        "tier_gradient": f"Breach rate of the worst tier less that of the best ({names['sla_a_incl_wait']})",
        "congestion_lift_sla_b": f"{_LIFT} ({names['sla_b']})",
        "congestion_lift_sla_a_incl_wait": f"{_LIFT} ({names['sla_a_incl_wait']})",
    }
    return words.get(row["finding"], str(row["statement"]))
