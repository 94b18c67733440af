"""Reopen impact: cases that were reopened beside those that were not.

Belongs here: this one section. Does not belong here: what it looks like (templates/reopens.html.j2).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import duckdb

from opsla_dagster.reporting import wording
from opsla_dagster.reporting.marts import Row, rows
from opsla_dagster.reporting.run_summary import Headline
from opsla_dagster.reporting.sections.common import (
    FEW_CASES,
    MOST_ROWS,
    PERCENTILES,
    SAME_POINTS,
    Axis,
    Section,
    Table,
    group_order,
    largest,
)
from opsla_dagster.reporting.wording import MISSING

_BREACH_PCT = "sla_a_incl_wait_breach_pct"


def reopens(connection: duckdb.DuckDBPyConnection, headline: Headline) -> Section | None:
    """How reopened cases compare with the others; None where none was reopened, or nothing is promised that they could breach."""
    section = partial(Section, key="reopens", title="Reopen impact", tables=("mart.driver_reopen_impact",))
    if not headline.slas:
        return None
    name = headline.sla_names()["sla_a_incl_wait"]
    found = rows(connection, "select * from mart.driver_reopen_impact where cases > 0", "mart.driver_reopen_impact")
    if not found:
        return None
    reopened = [row for row in found if row["is_reopened"]]
    others = [row for row in found if not row["is_reopened"]]
    if not reopened:
        return None
    pairs = _pairs(reopened, others)
    shown = sorted(pairs[:MOST_ROWS], key=lambda pair: group_order(pair[0]))
    axis = Axis.up_to(max(row[_BREACH_PCT] or 0.0 for pair in shown for row in pair if row), "%")
    return section(
        finding=_finding(reopened, others, name),
        how_to_read=(
            "Ring: cases never reopened; dot: reopened ones; the bar between them is the difference. The sentence above compares like with like: each "
            "reopened case with the others of its tier and case type. The resolution judged is the first one; rework after the reopen is in it only "
            f"where a policy lets the clock resume. Pale rows: fewer than {FEW_CASES} reopened cases."
            + (f" Only the {MOST_ROWS} groups with most reopened cases are drawn." if len(pairs) > len(shown) else "")
        ),
        definition=(
            f"Breaches of {name}, in % of judged cases (touched and resolved). Reopened = some status "
            "after RESOLVED, CLOSED or CANCELLED. p90 = open time up to the stop of that clock."
        ),
        data={"axis": axis, "rows": [_row(*pair, axis) for pair in shown]},
        table=_table(found, name),
    )


def _cases(part: Iterable[Row]) -> int:
    return sum(row["cases"] for row in part)


def _pairs(reopened: Sequence[Row], others: Sequence[Row]) -> list[tuple[Row, Row | None]]:
    """Reopened groups with their counterpart, those of most reopened cases first."""
    counterpart = {(row["tier"], row["case_type"]): row for row in others}
    ranked = sorted(reopened, key=lambda row: (-row["cases"], group_order(row)))
    return [(row, counterpart.get((row["tier"], row["case_type"]))) for row in ranked]


def _finding(reopened: Sequence[Row], others: Sequence[Row], name: str) -> str:
    many, judged = _cases(reopened), _cases(reopened) + _cases(others)
    were = "was" if many == 1 else "were"
    text = f"{wording.count(many)} of {wording.counted(judged, 'judged case')} ({wording.percent(100 * many / judged, 1)})"
    text = f"{text} {were} reopened"
    rates = _like_with_like(_pairs(reopened, others))
    if rates is None or many < FEW_CASES:
        return f"{text}."
    ours, theirs = rates
    mix = "the other cases of the same tiers and case types" if len(reopened) > 1 else "the others"
    if abs(ours - theirs) < SAME_POINTS:
        return f"{text}; they breached {name} as often as {mix}, in {wording.percent(ours, 1)} of cases."
    how_often = "more" if ours > theirs else "less"
    return f"{text}; they breached {name} {how_often} often than {mix}: {wording.percent(ours, 1)} against {wording.percent(theirs, 1)}."


def _like_with_like(pairs: Sequence[tuple[Row, Row | None]]) -> tuple[float, float] | None:
    """The breach percentages of the reopened cases, and of the others had they the same mix of tiers and case types.

    Where one tier breaches more and is reopened more often, plain rates of the two would mostly compare tiers (direct standardisation).
    Groups in which every case was reopened have nothing to be compared with, and are in neither rate.
    """
    known = [(row, other) for row, other in pairs if other and row[_BREACH_PCT] is not None and other[_BREACH_PCT] is not None]
    cases = _cases(row for row, _ in known)
    if not cases:
        return None
    return (
        sum(row["cases"] * row[_BREACH_PCT] for row, _ in known) / cases,
        sum(row["cases"] * other[_BREACH_PCT] for row, other in known) / cases,
    )


def _group(row: Row) -> list[str]:
    """What is known of a group: its tier, its case type."""
    tier = [wording.tier(row["tier"])] if wording.is_named(row["tier"]) else []
    return tier + ([wording.name(row["case_type"])] if wording.is_named(row["case_type"]) else [])


def _row(reopened: Row, other: Row | None, axis: Axis) -> Mapping[str, Any]:
    both = (other, reopened)
    rates = [row[_BREACH_PCT] if row else None for row in both]
    return {
        "name": " · ".join(_group(reopened)) or "all cases",
        "cases": wording.count(reopened["cases"]),
        "marks": [None if breach_pct is None else axis.place(breach_pct) for breach_pct in rates],
        "rates": [wording.percent(breach_pct, 1) for breach_pct in rates],
        "p90s": [wording.time_taken(row["resolution_incl_wait_p90_business_minutes"]) if row else MISSING for row in both],
        "is_few": reopened["cases"] < FEW_CASES,
    }


def _table(found: Sequence[Row], name: str) -> Table:
    ordered = sorted(found, key=lambda row: (group_order(row), bool(row["is_reopened"])))
    shown, note = largest(ordered, lambda row: row["cases"], "mart.driver_reopen_impact")
    return Table(
        head=["Tier", "Case type", "Reopened", "Cases", "Average", "p50", "p90", "p95", f"{name}, breached %"],
        rows=[
            [
                wording.tier(row["tier"]), wording.name(row["case_type"], "no case type"),
                "yes" if row["is_reopened"] else "no", wording.count(row["cases"]),
                wording.time_taken(row["resolution_incl_wait_avg_business_minutes"]),
                *(wording.time_taken(row[f"resolution_incl_wait_{p}_business_minutes"]) for p in PERCENTILES),
                wording.decimal(row[_BREACH_PCT], 2),
            ]
            for row in shown
        ],
        names=3,
        note=note,
    )
