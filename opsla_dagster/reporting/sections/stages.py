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
from opsla_dagster.reporting.sections.common import PERCENTILES, Axis, Section, order

_LIFT = "Breach rate in the ninth congestion decile minus that in the fifth"
#: The stages in the order of a case's way.
STAGES = ("triage_to_investigation", "investigation_to_review", "review_to_resolved")


def stages(connection: duckdb.DuckDBPyConnection, headline: Headline) -> Section | None:
    """Business time of each stage by tier, the bottlenecks marked; None where no case has passed them."""
    section = partial(
        Section, key="stages", title="Stage bottleneck", tables=("mart.driver_stage_durations", "mart.driver_summary")
    )
    found = rows(
        connection,
        "select * from mart.driver_stage_durations where cases > 0 and p95_business_minutes is not null",
        "mart.driver_stage_durations",
    )
    if not found:
        return None
    highest = max(row["p95_business_minutes"] for row in found)
    unit, size = wording.fitting_unit(highest)
    axis = Axis.up_to(highest, size=size)
    tiers = sorted({row["tier"] for row in found}, key=order)
    is_tiered = any(wording.is_named(tier) for tier in tiers)
    found.sort(key=_way)
    return section(
        finding=_finding(found, headline.business_day_minutes),
        how_to_read=(
            "Each bar runs from the p50 (ring) over the p90 (tick) to the p95 (dot): half, nine in ten and nineteen in "
            "twenty cases had left the stage by then. Each tier’s bottleneck is coloured."
        ),
        definition=(
            "Open time between the first instants of two statuses, over cases both touched and resolved that reached review/QA after investigation; a "
            "stage whose start or end is missing or out of order is left out. Bottleneck = the tier’s stage with the largest p95."
        ),
        data={
            "axis": axis,
            "unit": unit,
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
        "figures": [wording.time_taken(figure) for figure in figures],
        "cases": wording.count(row["cases"]),
        "is_bottleneck": bool(row["is_tier_bottleneck"]),
    }


def _finding(found: Sequence[Row], day_minutes: float | None) -> str:
    worst = max(found, key=lambda row: row["p95_business_minutes"])
    longest = worst["p95_business_minutes"]
    whose = f"{wording.tier(worst['tier'])}’s" if wording.is_named(worst["tier"]) else "The"
    text = (
        f"{whose} longest stage is {wording.stage(worst['stage'])}: one case in twenty takes more than "
        f"{wording.business_time(longest, day_minutes)} of open time ({wording.counted(worst['cases'], 'case')})"
    )
    others = [row for row in found if row["tier"] == worst["tier"] and row is not worst and row["p95_business_minutes"]]
    if others:
        second = max(others, key=lambda row: row["p95_business_minutes"])
        times = longest / second["p95_business_minutes"]
        text += f", {wording.decimal(times)} times the p95 of the next, {wording.stage(second['stage'])}"
    return wording.sentence(text) + "."


def _statements(connection: duckdb.DuckDBPyConnection, names: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """The drivers: (statement, figure, unit); those of promises only where the desk is held to them."""
    found = rows(connection, "select * from mart.driver_summary where figure is not null order by finding", "mart.driver_summary")
    told = [(_statement(row, names), row) for row in found]
    return [(statement, *_figure(row)) for statement, row in told if statement]


def _figure(row: Row) -> tuple[str, str]:
    if row["unit"] == "business minutes":
        return wording.time_taken(row["figure"]), "of open time"
    return wording.decimal(row["figure"]).replace("-", "−"), row["unit"]


def _statement(row: Row, names: Mapping[str, str]) -> str:
    """A driver in words; nothing of one that is about a promise that this desk does not have."""
    finding = row["finding"]
    if finding == "primary_bottleneck":
        tier = f"{wording.tier(row['tier'])}, " if wording.is_named(row["tier"]) else ""
        return f"Longest stage of all: {tier}{wording.stage(row['stage'])} (p95)"
    if finding == "reopened_share":
        return "Cases that were reopened at least once"
    sla, words = {
        "tier_gradient": ("sla_a_incl_wait", "Breach rate of the worst tier minus that of the best"),
        "congestion_lift_sla_b": ("sla_b", _LIFT),
        "congestion_lift_sla_a_incl_wait": ("sla_a_incl_wait", _LIFT),
    }[finding]
    return f"{words} ({names[sla]})" if sla in names else ""
