"""Tier and case type: the three breach rates of each pair.

Belongs here: this one section. Does not belong here: what it looks like (templates/heat-map.html.j2).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import duckdb

from opsla_dagster.reporting import wording
from opsla_dagster.reporting.headline import DURATIONS
from opsla_dagster.reporting.marts import Row, rows
from opsla_dagster.reporting.run_summary import Headline
from opsla_dagster.reporting.sections.common import (
    FEW_CASES,
    MOST_ROWS,
    PERCENTILES,
    TONES,
    Section,
    Table,
    group_order,
    heat,
    largest,
    order,
)
from opsla_dagster.reporting.wording import MISSING

MOST_TIERS = 6
#: The finding compares groups of at least this share of all judged cases.
TELLING_SHARE = 0.01
PANELS = ("sla_a_incl_wait", "sla_a_paused", "sla_b")


def heat_map(connection: duckdb.DuckDBPyConnection, headline: Headline) -> Section | None:
    """Breach rates of each tier and case type; None where there are no two groups to set side by side."""
    section = partial(
        Section, key="heat-map", title="Tier and case type", tables=("mart.sla_by_tier_case_type",),
        definition="Breach % = breached cases / judged cases (touched and resolved) of the tier and case type.",
    )
    if not headline.slas:
        return None
    names = headline.sla_names()
    found = rows(
        connection, "select * from mart.sla_by_tier_case_type where sla_cases > 0", "mart.sla_by_tier_case_type"
    )
    groups = sorted(found, key=group_order)
    if len(groups) < 2 or not any(row["sla_cases"] >= FEW_CASES for row in groups):
        return None  # grey cells alone would say nothing
    section = partial(section, table=_table(groups, names))
    tiers, types = _largest(groups, "tier", MOST_TIERS), _largest(groups, "case_type", MOST_ROWS)
    is_tiered = any(wording.is_named(tier) for tier in tiers)
    left_out = sum(row["case_type"] not in types or row["tier"] not in tiers for row in groups)
    return section(
        finding=_finding(groups, headline),
        how_to_read=(
            "Each cell is the breach percentage, with the number of judged cases below; the stronger the colour, the more "
            f"breaches, each panel from 0 to its own maximum. Grey cells have fewer than {FEW_CASES} cases: mostly chance."
            + (f" {wording.counted(left_out, 'smaller group')} not drawn: see the table or the mart." if left_out else "")
        ),
        data={
            "tiers": [wording.tier(tier) if is_tiered else "All cases" for tier in tiers],
            "panels": [_panel(groups, sla, names[sla], tiers, types) for sla in PANELS if sla in names],
        },
    )


def _largest(groups: Sequence[Row], column: str, most: int) -> list[str | None]:
    """The names in a column that have most judged cases, in reading order."""
    cases: dict[str | None, int] = {}
    for row in groups:
        cases[row[column]] = cases.get(row[column], 0) + row["sla_cases"]
    ranked = sorted(cases, key=lambda name: (-cases[name], order(name)))
    return sorted(ranked[:most], key=order)


def _panel(
    groups: Sequence[Row], sla: str, name: str, tiers: Sequence[str | None], types: Sequence[str | None]
) -> Mapping[str, Any]:
    cells = {(row["tier"], row["case_type"]): row for row in groups}
    shown = [cells[tier, kind] for tier in tiers for kind in types if (tier, kind) in cells]
    highest = max((row[f"{sla}_breach_pct"] for row in shown if row["sla_cases"] >= FEW_CASES), default=0.0)
    return {
        "name": name,
        "tone": TONES[sla],
        "rows": [
            (wording.name(kind, "no case type" if any(wording.is_named(each) for each in types) else "all cases"), [_cell(cells.get((tier, kind)), sla, highest) for tier in tiers])
            for kind in types
        ],
    }


def _cell(row: Row | None, sla: str, highest: float) -> Mapping[str, Any]:
    if row is None:
        return {"rate": MISSING, "cases": "", "css": "none"}
    breach_pct = row[f"{sla}_breach_pct"]
    css = heat(breach_pct, highest) if row["sla_cases"] >= FEW_CASES else "few"
    return {"rate": wording.percent(breach_pct, 1), "cases": wording.count(row["sla_cases"]), "css": css}


def _finding(groups: Sequence[Row], headline: Headline) -> str:
    column = "sla_a_incl_wait_breach_pct"
    fewest = max(FEW_CASES, sum(row["sla_cases"] for row in groups) * TELLING_SHARE)
    telling = [row for row in groups if row["sla_cases"] >= fewest]
    if len(telling) < 2:
        return "Too few judged cases to tell tiers and case types apart; rates of a few cases are mostly chance."
    worst, best = max(telling, key=lambda row: row[column]), min(telling, key=lambda row: row[column])
    figures = next(figures for figures in headline.slas if figures.sla == "sla_a_incl_wait")
    if not worst[column]:
        return f"No tier and case type has breached {figures.name}."
    return wording.sentence(
        f"{_name(worst)} breaches most ({figures.name}): {wording.percent(worst[column], 1)} of its cases, "
        f"against {wording.percent(best[column], 1)} of {_name(best)} and {wording.percent(figures.breach_pct, 1)} overall."
    )


def _name(row: Row) -> str:
    parts = [wording.tier(row["tier"])] if wording.is_named(row["tier"]) else []
    parts += [wording.name(row["case_type"])] if wording.is_named(row["case_type"]) else []
    return " ".join(parts) or "the group without tier and case type"


def _table(groups: Sequence[Row], names: Mapping[str, str]) -> Table:
    columns = [(sla, p, f"{DURATIONS[sla]}_{p}_business_minutes") for sla in names for p in PERCENTILES]
    shown, note = largest(groups, lambda row: row["sla_cases"], "mart.sla_by_tier_case_type")
    return Table(
        head=[
            "Tier", "Case type", "Judged", *(f"{name} %" for name in names.values()),
            *(f"{names[sla]} {p}" for sla, p, _ in columns),
        ],
        rows=[
            [
                wording.tier(row["tier"]), wording.name(row["case_type"], "no case type"),
                wording.count(row["sla_cases"]), *(wording.decimal(row[f"{sla}_breach_pct"], 2) for sla in names),
                *(wording.time_taken(row[column]) for _, _, column in columns),
            ]
            for row in shown
        ],
        names=2,
        note=note,
    )
